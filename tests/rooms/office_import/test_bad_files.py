"""Everything that can be wrong with files as a whole and between them: named with its reason and way out."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from rooms.models import Equipment, Room
from rooms.office_import import table
from rooms.office_import.problems import ImportRefused
from rooms.office_import.store import import_office
from tests.rooms.office_import.conftest import PEOPLE_HEADING, Folder, appending, problems_of, replacing, writing

pytestmark = pytest.mark.django_db


_FILES = {
    "missing file": (
        lambda folder: (folder.path / "licences.csv").unlink(),
        "licences.csv: the file is missing. Put it into the folder; its heading is: "
        "pool,counts,seats,valid_from,valid_to,site,share",
    ),
    "folder in place of a file": (
        lambda folder: [(folder.path / "licences.csv").unlink(), (folder.path / "licences.csv").mkdir()],
        "licences.csv: the file can't be read (Is a directory). Check what it is and who may read it.",
    ),
    "empty file": (
        writing("licences.csv", ""),
        "licences.csv: the file is empty. Its heading is: pool,counts,seats,valid_from,valid_to,site,share",
    ),
    "blank file": (
        writing("licences.csv", " \r\n\r\n"),
        "licences.csv: the file is empty. Its heading is: pool,counts,seats,valid_from,valid_to,site,share",
    ),
    "heading alone": (
        writing("licences.csv", "pool,counts,seats,valid_from,valid_to,site,share\n"),
        "licences.csv: there is a heading and nothing under it. Add a line for each item.",
    ),
    "semicolons": (
        lambda folder: folder.write("licences.csv", (folder.path / "licences.csv").read_text().replace(",", ";")),
        "licences.csv, line 1: cells are separated by semicolons instead of commas. Save the table as CSV with commas.",
    ),
    "tabs": (
        lambda folder: folder.write("licences.csv", (folder.path / "licences.csv").read_text().replace(",", "\t")),
        "licences.csv, line 1: cells are separated by tabs instead of commas. Save the table as CSV with commas.",
    ),
    "Windows-1250": (
        lambda folder: folder.convert("institutions.csv", "cp1250"),
        "institutions.csv, line 2: the file is not in UTF-8; it looks like Windows-1250. Save it as “CSV UTF-8”.",
    ),
    "ISO-8859-2": (
        lambda folder: folder.convert("institutions.csv", "iso-8859-2"),
        "institutions.csv, line 2: the file is not in UTF-8; it looks like ISO-8859-2. Save it as “CSV UTF-8”.",
    ),
    "an old code page, without the letters that tell which": (
        writing("licences.csv", "pool,counts\nłódź,room\n".encode("cp1250").replace(b"\x9f", b"z")),
        "licences.csv, line 2: the file is not in UTF-8; it looks like Windows-1250 or ISO-8859-2. "
        "Save it as “CSV UTF-8”.",
    ),
    "UTF-16": (
        lambda folder: folder.convert("licences.csv", "utf-16"),
        "licences.csv: the file is in UTF-16. Save it as “CSV UTF-8”.",
    ),
    "zero byte": (
        replacing("licences.csv", "conference,10,2019-01-01,,BIA", "conf\0,10,2019-01-01,,BIA"),
        "licences.csv, line 3: there is a zero byte, which no CSV file has. Save the table as “CSV UTF-8” again.",
    ),
    "column missing": (
        replacing("licences.csv", "counts,seats", "counts,places"),
        "licences.csv, line 1, column places: the column is not known. "
        "Remove it; known columns are: pool, counts, seats, valid_from, valid_to, site, share",
    ),
    "column twice": (
        replacing("licences.csv", "site,share", "site,share,Share"),
        "licences.csv, line 1, column share: the column is there twice. Remove one.",
    ),
    "comma outside quotation marks": (
        replacing("rooms.csv", '"Świetlica, wideo"', "Świetlica, wideo"),
        "rooms.csv, line 3: the line has 11 cells, the heading has 10. "
        'Put a cell that contains a comma into quotation marks: "…"',
    ),
    "line cut short": (
        appending("rooms.csv", "KOS,9"),
        "rooms.csv, line 4: the line has 2 cells, the heading has 10. "
        'Put a cell that contains a comma into quotation marks: "…"',
    ),
    "quotation mark left open": (
        replacing("rooms.csv", '"Świetlica, wideo"', '"Świetlica, wideo'),
        "rooms.csv, line 3: the quotation marks don't match, or a cell is far too long. A cell that begins with a "
        "quotation mark ends with one, and one inside is doubled.",
    ),
}


@pytest.mark.parametrize("case", _FILES)
def test_bad_file_is_named_with_reason_and_way_out(folder: Folder, case: str) -> None:
    spoil, message = _FILES[case]
    spoil(folder)
    assert message in problems_of(folder.path)


def test_all_problems_of_all_files_come_at_once_in_order(folder: Folder) -> None:
    folder.replace("sites.csv", "07:00,18:00,Mo-Fr", "7.00,18:00,Mon")
    folder.replace("rooms.csv", "BIA,SW", "BLA,SW")
    folder.replace("rooms.csv", ",2,12,", ",II,12,")
    folder.convert("institutions.csv", "cp1250")
    (folder.path / "licences.csv").unlink()
    assert [problem.split(":")[0] for problem in problems_of(folder.path)] == [
        "sites.csv, line 2, column opens",
        "sites.csv, line 2, column days",
        "rooms.csv, line 2, column floor",
        "rooms.csv, line 3, column site",
        "licences.csv",
        "institutions.csv, line 2",
    ]


def test_rooms_of_a_site_with_a_bad_line_are_not_blamed(folder: Folder) -> None:
    folder.replace("sites.csv", "00-564", "00-564,,")
    assert [problem.split(":")[0] for problem in problems_of(folder.path)] == ["sites.csv, line 2"]


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "nie ma"
    way_out = "Name the folder that holds sites.csv, rooms.csv, licences.csv and institutions.csv."
    assert problems_of(missing)[0].endswith(f"nie ma: there is no such folder. {way_out}")
    file = tmp_path / "plik"
    file.write_text("")
    assert problems_of(file)[0].endswith(f"plik: this is not a folder. {way_out}")


def test_file_that_is_too_large(folder: Folder) -> None:
    folder.write("licences.csv", b"x" * (table.MAX_BYTES + 1))
    assert problems_of(folder.path) == [
        "licences.csv: the file is larger than 5 MB. Split it and import the parts one after another."
    ]


def test_too_many_rows(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_ROWS", 2)
    folder.append("rooms.csv", "KOS,9,Sala 9,0,1,,0,0,no,\n" * 5)
    assert problems_of(folder.path) == [
        "rooms.csv, line 4: there are more than 2 rows. Split the file and import the parts one after another."
    ]


@pytest.mark.parametrize("change", ["byte order mark", "blank lines", "blanks and capitals", "old Mac", "Windows"])
def test_harmless_differences_are_accepted(folder: Folder, change: str) -> None:
    path = folder.path / "rooms.csv"
    text = path.read_text()
    content = {
        "byte order mark": "\ufeff" + text,
        "blank lines": text.replace("\n", "\n\n,,,,,,,,,\n \n"),
        "blanks and capitals": text.replace(",", ", ").replace(",  ", ", ").replace("seats", "SEATS "),
        "old Mac": text.replace("\n", "\r"),
        "Windows": text.replace("\n", "\r\n"),
    }[change]
    folder.write("rooms.csv", content)
    import_office(folder.path)
    assert sorted(Room.objects.values_list("name", flat=True)) == ["Sala wideo 2.14", "Świetlica, wideo"]


def test_decomposed_letters_are_the_same_letters(folder: Folder) -> None:
    import_office(folder.path)
    folder.replace("institutions.csv", "Urząd", "Urza\u0328d")
    assert import_office(folder.path).institutions.changed == 0


def test_equipment_is_recognised_without_accents_and_by_code(folder: Folder) -> None:
    folder.write(
        "equipment.csv",
        "code,name,name_en,icon,filter\nterminal-wideo,terminal wideo,,,no\nkamera,kamera dokumentowa,,,yes\n",
    )
    folder.replace("rooms.csv", "terminal wideo;kamera dokumentowa", "Terminal Wideó;kamera")
    import_office(folder.path)
    assert Equipment.objects.count() == 2
    assert Room.objects.get(code="2.14").equipment.count() == 2


def test_name_of_other_equipment_is_refused(folder: Folder) -> None:
    Equipment.objects.create(code="ekran", name="kamera dokumentowa")
    folder.write(
        "equipment.csv",
        "code,name,name_en,icon,filter\nterminal-wideo,terminal wideo,,,no\nkamera,kamera dokumentowa,,,yes\n",
    )
    assert problems_of(folder.path) == [
        "equipment.csv, line 3, column name: “kamera dokumentowa” is the name of equipment with the code “ekran”. "
        "Use that code, or another name."
    ]


def test_import_never_takes_the_last_it_admin_away(folder: Folder) -> None:
    User.objects.create_user("ewa@urzad.example", name="Ewa", is_it_admin=True)
    folder.write("people.csv", PEOPLE_HEADING + "ewa@urzad.example,Ewa,,,pl,staff,KOS\n")
    assert problems_of(folder.path) == [
        "people.csv, line 2, column role: after this nobody would be IT admin. "
        "Leave this person it_admin, or name another one."
    ]


@pytest.mark.long
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_the_cells_hold_the_import_stores_or_explains(folder: Folder, data: st.DataObject) -> None:
    fresh = Folder(folder.path)
    name = data.draw(st.sampled_from(["sites.csv", "rooms.csv", "licences.csv", "institutions.csv"]))
    rows = list(csv.reader((fresh.path / name).read_text().splitlines()))
    line = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, len(rows[0]) - 1))
    rows[line][column] = data.draw(
        st.one_of(st.text(max_size=300), st.sampled_from(["999999999", "-1", "0001-01-01", "9999-12-31", "٣", "=1+1"]))
    )
    with (fresh.path / name).open("w", newline="", encoding="utf-8", errors="surrogatepass") as file:
        csv.writer(file).writerows(rows)
    with contextlib.suppress(ImportRefused):
        import_office(fresh.path, dry_run=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_whatever_bytes_a_file_holds_the_import_explains(folder: Folder, content: bytes) -> None:
    folder.write("sites.csv", content)
    with pytest.raises(ImportRefused):
        import_office(folder.path, dry_run=True)
