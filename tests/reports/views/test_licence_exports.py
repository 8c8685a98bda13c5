"""Files of the licence desk: what they hold, for whom, and that no spreadsheet runs anything in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from accounts.models import User
from reports.tables import Sheet, safe_text, write_csv, write_xlsx
from tests.factories import Office
from tests.reports.usage import NOW, TODAY, at, hold, refuse

CSV, XLSX = "/zarzadzanie/licencje/csv/", "/zarzadzanie/licencje/xlsx/"
HOSTILE = ["=1+1", "+48 22 123", "-2", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "＝1+1"]


@pytest.fixture(autouse=True)
def tuesday_morning(request: pytest.FixtureRequest) -> Iterator[None]:
    if "office" in request.fixturenames:
        request.getfixturevalue("office")
        User.objects.update(language="en")
    with time_machine.travel(NOW, tick=False):
        yield


def rows_of(response: Any) -> list[list[str]]:
    assert response.status_code == 200
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline=""), delimiter=";"))


def book_of(response: Any) -> dict[str, list[tuple[Any, ...]]]:
    assert response.status_code == 200
    book = load_workbook(io.BytesIO(response.content))
    return {page.title: list(page.iter_rows(values_only=True)) for page in book.worksheets}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_a_formula_is_text(text: str) -> None:
    assert safe_text(text).startswith("'")


@pytest.mark.parametrize("text", ["", "Odprawa", "Ala = kot", "1-2", "żółw", "'=1"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert safe_text(text) == text


def test_characters_that_xml_does_not_have_are_left_out() -> None:
    assert safe_text("a\x00b\x0bc\x1f") == "abc"
    assert safe_text("\x00=1") == "'=1"


def test_both_kinds_of_file_keep_hostile_cells_as_text_and_dates_as_dates() -> None:
    moment = datetime(2026, 11, 24, 9, 30)
    sheet = Sheet("x", "X", ("=A1", "when", "n"), [(text, moment, -3) for text in HOSTILE])
    lines = list(csv.reader(io.StringIO(write_csv(sheet).decode("utf-8-sig"), newline=""), delimiter=";"))
    assert lines[0][0] == "'=A1"
    assert [line[0][0] for line in lines[1:]] == ["'"] * len(HOSTILE)
    assert {(line[1], line[2]) for line in lines[1:]} == {("2026-11-24 09:30", "-3")}
    page = load_workbook(io.BytesIO(write_xlsx([sheet]))).worksheets[0]
    assert {cell.data_type for row in page.iter_rows() for cell in row} == {"s", "d", "n"}
    assert page["B2"].value == moment
    assert page["C2"].value == -3
    assert page.freeze_panes == "A2"


def test_a_cell_with_separators_quotes_and_line_ends_stays_one_cell() -> None:
    text = 'a;b"c\nd'
    content = write_csv(Sheet("x", "X", ("t",), [(text,)])).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(content, newline=""), delimiter=";")) == [["t"], [text]]


def test_csv_has_a_line_for_each_of_90_days(office: Office, admin_client: Client) -> None:
    hold(office.pool, office.koszykowa, at(9), at(10), by=office.staff, seats=2)
    response = admin_client.get(CSV)
    lines = rows_of(response)
    assert lines[0][:4] == ["Day", "Weekday", "Most in use at once", "When (Europe/Warsaw)"]
    assert len(lines) == 91
    assert lines[-1] == ["2026-11-24", "Tuesday", "2", "2026-11-24 09:00", "10", ""]
    assert lines[1] == ["2026-08-27", "Thursday", "0", "", "10", ""]
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "narada-licencje-dni-2026-11-24.csv" in response.headers["Content-Disposition"]
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_a_workbook_has_four_sheets_with_real_dates(office: Office, admin_client: Client) -> None:
    held = hold(office.pool, office.koszykowa, at(9), at(10), by=office.staff, title="Komisja")
    refuse(office, office.koszykowa, at(9), title="Odwołania")
    response = admin_client.get(XLSX)
    book = book_of(response)
    assert list(book) == ["Use by day", "Allocation", "Sessions", "Refusals"]
    assert book["Use by day"][-1] == (datetime(2026, 11, 24), "Tuesday", 1, datetime(2026, 11, 24, 9), 10, None)
    assert book["Allocation"][1:] == [
        ("Koszykowa 16", 4, 1, datetime(2026, 11, 24, 9), 1),
        ("Taborowa 33", 3, 0, None, 0),
        ("Ośrodek dla Cudzoziemców w Białej Podlaskiej", 2, 0, None, 0),
        ("Shared reserve", 1, None, None, None),
        ("Named licences", 0, None, None, None),
        ("Emergency licences", 0, None, None, None),
        ("Total", 10, None, None, None),
    ]
    number = held.occurrence.booking.number
    assert book["Sessions"][1] == (
        datetime(2026, 11, 24, 9),
        datetime(2026, 11, 24, 10),
        "Komisja",
        number,
        "Koszykowa",
        None,
        1,
        None,
        None,
    )
    assert book["Refusals"][1] == (
        datetime(2026, 11, 24, 8),
        datetime(2026, 11, 24, 9),
        datetime(2026, 11, 24, 10),
        "Odwołania",
        "Koszykowa",
        1,
        "given up",
    )


@pytest.mark.parametrize("key", ["dni", "przydzial", "sesje", "odmowy"])
def test_every_table_comes_as_csv_too(office: Office, admin_client: Client, key: str) -> None:
    assert len(rows_of(admin_client.get(CSV, {"tabela": key}))) >= 1
    assert admin_client.get(CSV, {"tabela": "hasla"}).status_code == 404


def test_files_of_a_manager_name_no_sessions_of_other_sites(office: Office, manager_client: Client) -> None:
    hold(office.pool, office.koszykowa, at(9), at(10), by=office.staff, title="Nasza")
    hold(office.pool, office.taborowa, at(9), at(10), by=office.colleague, title="Cudza")
    refuse(office, office.koszykowa, at(9), title="Odmowa nasza")
    refuse(office, office.taborowa, at(9), title="Odmowa cudza")
    book = book_of(manager_client.get(XLSX))
    assert [(row[2], bool(row[3])) for row in book["Sessions"][1:]] == [("Nasza", True), ("taken", False)]
    assert [row[3] for row in book["Refusals"][1:]] == ["Odmowa nasza"]
    assert [row[0] for row in book["Allocation"][1:3]] == ["Koszykowa 16", "Shared reserve"]
    assert "Cudza" not in manager_client.get(CSV, {"tabela": "sesje"}).content.decode()


def test_titles_reach_files_as_text(office: Office, admin_client: Client) -> None:
    for number, text in enumerate(HOSTILE):
        start = at(8) + timedelta(minutes=15 * number)
        hold(office.pool, office.koszykowa, start, start + timedelta(minutes=15), by=office.staff, title=text)
    book = book_of(admin_client.get(XLSX))
    assert [row[2][0] for row in book["Sessions"][1:]] == ["'"] * len(HOSTILE)
    assert [line[2][0] for line in rows_of(admin_client.get(CSV, {"tabela": "sesje"}))[1:]] == ["'"] * len(HOSTILE)


@pytest.mark.parametrize("days", [1, 3])
def test_statements_do_not_grow_with_what_is_in_the_file(office: Office, admin_client: Client, days: int) -> None:
    for number in range(days):
        day = TODAY - timedelta(days=number)
        held = hold(office.pool, office.koszykowa, at(9, day=day), at(10, day=day), by=office.staff)
        refuse(office, office.koszykowa, at(9, day=day), booking=held.occurrence.booking)
    with CaptureQueriesContext(connection) as asked:
        admin_client.get(XLSX)
    assert len(asked) == 10


def test_days_before_a_grant_have_none(office: Office, admin_client: Client) -> None:
    from rooms.models import LicenceGrant, SiteShare

    SiteShare.objects.update(valid_from=date(2026, 11, 20))
    LicenceGrant.objects.update(valid_from=date(2026, 11, 20))
    lines = rows_of(admin_client.get(CSV))
    assert [(line[0], line[4]) for line in lines[-6:]] == [
        ("2026-11-19", "0"),
        *((f"2026-11-{day}", "10") for day in range(20, 25)),
    ]
