"""Which files are taken: by name and by bytes, whatever a stranger makes of both."""

from __future__ import annotations

import codecs
import io
import unicodedata
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from bookings.file_types import EXTENSIONS, MAX_NAME_LENGTH, Fault, NotTaken, clean_name, media_type
from tests.bookings.material_files import (
    JPEG,
    MAIN,
    PDF,
    PNG,
    PROGRAM,
    TAKEN,
    TEXT,
    archive_of,
    document,
    opendocument,
    openxml,
    types_part,
)


def refused(name: str, data: bytes) -> Fault:
    with pytest.raises(NotTaken) as caught:
        media_type(clean_name(name), data)
    return caught.value.fault


def outcome(name: str, data: bytes | None = None) -> str:
    """Return the cleaned name, or with bytes their type; the fault where there is none."""
    try:
        return clean_name(name) if data is None else media_type(name, data)
    except NotTaken as refusal:
        return refusal.fault


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_each_type_is_taken_with_its_own_bytes_and_no_others(extension: str) -> None:
    found = media_type(f"Program.{extension.upper()}", TAKEN[extension])
    assert "/" in found
    for other, data in TAKEN.items():
        if media_type(f"a.{other}", data) != found and not {extension, other} <= {"txt", "csv"}:
            assert refused(f"a.{extension}", data) == Fault.CONTENT, other


def test_a_workbook_that_a_program_has_written_is_taken() -> None:
    buffer = io.BytesIO()
    Workbook().save(buffer)
    assert media_type("Zestawienie.xlsx", buffer.getvalue()) == MAIN["xlsx"]


@pytest.mark.parametrize(
    "name",
    [
        *("a.exe", "a.pdf.exe", "a.docm", "a.xlsm", "a.pptm", "a.dotm", "a.html", "a.htm", "a.svg", "a.js", "a.zip"),
        *("a.doc", "a.rtf", "a.xml", "a.msi", "a.lnk", "a.pdf.", "a", "pdf", ".pdf", "a.pdf\u202eexe.", "a.pdf .exe"),
        "a.pdf\0.exe",
    ],
)
def test_other_types_are_not_whatever_their_bytes_are(name: str) -> None:
    if clean_name(name) == "a.pdf":
        assert media_type(clean_name(name), PDF) == "application/pdf"
        return
    for data in (PDF, PROGRAM, TEXT, document("docx"), b""):
        assert refused(name, data) == Fault.TYPE


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_empty_file_and_a_program_are_refused_under_every_name(extension: str) -> None:
    assert refused(f"a.{extension}", b"") == Fault.EMPTY
    for data in (PROGRAM, b"\x7fELF" + bytes(60), archive_of({"setup.exe": PROGRAM})):
        assert refused(f"a.{extension}", data) == Fault.CONTENT


@pytest.mark.parametrize(
    ("extension", "data"),
    [
        ("docx", openxml("docx", **{"word/vbaProject.bin": b"x"})),
        ("docx", openxml("docx", **{"Word/VBAPROJECT.BIN": b"x"})),
        ("xlsx", openxml("xlsx", **{"xl/macrosheets/sheet1.xml": "<x/>"})),
        ("pptx", openxml("pptx", **{"ppt/activeX/activeX1.xml": "<x/>"})),
        (
            "docx",
            archive_of({"[Content_Types].xml": types_part("application/vnd.ms-word.document.macroEnabled.main+xml")}),
        ),
        ("odt", opendocument("odt", {"Basic/script-lc.xml": "<x/>"})),
        ("ods", opendocument("ods", {"Scripts/python/run.py": "pass"})),
    ],
)
def test_documents_with_macros_are_refused_as_such(extension: str, data: bytes) -> None:
    assert refused(f"a.{extension}", data) == Fault.MACROS


def test_words_in_the_letters_of_old_and_new_systems_are_text() -> None:
    words = "Zażółć gęślą jaźń;1\r\n\tdalej\f"
    bom = codecs.BOM_UTF16_LE
    for data in (words.encode(), words.encode("utf-8-sig"), words.encode("cp1250"), bom + words.encode("utf-16-le")):
        assert media_type("a.csv", data) == "text/csv"
    for data in (words.encode("utf-16-le"), bom + b"\0", bom + b"\0\0", b"\x1b[2J", b"a\0b"):
        assert refused("a.txt", data) == Fault.CONTENT


def test_a_document_that_says_it_is_another_one_is_none() -> None:
    swapped = archive_of({"[Content_Types].xml": types_part(f"{MAIN['xlsx']}.main+xml")})
    assert refused("a.docx", swapped) == Fault.CONTENT
    assert refused("a.docx", archive_of({"word/document.xml": MAIN["docx"]})) == Fault.CONTENT
    assert refused("a.odt", archive_of({"content.xml": "<x/>"})) == Fault.CONTENT
    assert refused("a.odt", b"#!/bin/sh\n" + document("odt")) == Fault.CONTENT


@pytest.mark.long
def test_an_archive_that_unpacks_to_more_than_there_is_room_for_is_read_within_bounds() -> None:
    bomb = archive_of({"[Content_Types].xml": b"\0" * 300_000_000})
    assert len(bomb) < 400_000
    assert refused("a.docx", bomb) == Fault.CONTENT


def test_a_table_of_contents_beyond_all_bounds_is_not_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("[Content_Types].xml", types_part(f"{MAIN['docx']}.main+xml"))
        for number in range(12_000):
            made.writestr(f"word/{number:050}.xml", b"")
    assert refused("a.docx", buffer.getvalue()) == Fault.CONTENT


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(MAIN)), st.data())
def test_documents_that_somebody_has_broken_are_refused_or_taken_and_nothing_else(
    extension: str, data: st.DataObject
) -> None:
    whole = bytearray(document(extension))
    for _n in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    for broken in (bytes(whole), cut):
        assert outcome(f"a.{extension}", broken) in {MAIN[extension], Fault.CONTENT, Fault.EMPTY, Fault.MACROS}


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Porządek obrad.pdf", "Porządek obrad.pdf"),
        ("C:\\Users\\Anna\\umowa v1.2.pdf", "umowa v1.2.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("a\r\nContent-Type: text/html\r\n.pdf", "html.pdf"),
        ("a\r\nSet-Cookie: b\r\n.pdf", "a Set-Cookie_ b.pdf"),
        ("  a   b .pdf . ", "a b.pdf"),
        ('"a";<b>|c?*:.pdf', "_a_;_b__c___.pdf"),
        ("zaz\u0307o\u0301łc\u0301.pdf", unicodedata.normalize("NFC", "zaz\u0307o\u0301łc\u0301.pdf")),
        ("a\u202efdp.exe", "afdp.exe"),
        ("ż" * 300 + ".docx", "ż" * 195 + ".docx"),
        ("notatka", "notatka"),
    ],
)
def test_names_are_cleaned(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text(max_size=400),
        st.text(alphabet='./\\ \0\r\n\t"<>:|?*%\u202e\u200b\ud800aż', max_size=300),
        st.text(max_size=300).map(lambda text: f"{text}.pdf"),
    )
)
@example("." * 300)
@example("a." + "b" * 400)
@example("\ud800.pdf")
def test_whatever_a_name_is_what_is_kept_of_it_is_safe_or_nothing(name: str) -> None:
    cleaned = outcome(name)
    if cleaned == Fault.NO_NAME:
        return
    assert 1 <= len(cleaned) <= MAX_NAME_LENGTH
    assert cleaned == cleaned.strip() == " ".join(cleaned.split())
    assert not cleaned.startswith(".")
    assert not cleaned.endswith(".")
    assert not set(cleaned) & set('/\\<>:"|?*')
    assert all(unicodedata.category(letter)[0] != "C" for letter in cleaned)
    assert clean_name(cleaned) == cleaned
    cleaned.encode()


def test_pictures_are_pictures() -> None:
    assert media_type("plan.png", PNG) == "image/png"
    assert media_type("plan.jpg", JPEG) == "image/jpeg"
