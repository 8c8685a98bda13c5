"""Files of a roll call: what they hold, and that no spreadsheet runs anything in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from accounts.models import User
from bookings.models import Booking
from bookings.rules import Participant
from tests.factories import Office
from tests.reports.roll_calls import LODZ, MAZ, OPOLE, book, name, say, unreached


@pytest.fixture(autouse=True)
def morning_before(office: Office) -> Iterator[None]:
    User.objects.update(language="en")
    with time_machine.travel(datetime(2026, 11, 23, 9, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def booking(office: Office) -> Booking:
    booking = book(office, "MAZ", "LDZ", "OPO", others=(Participant(email="ktos@gmina.example", name="=1+1"),))
    say(booking, MAZ, comment="@SUM(A1)\ndruga linia; z przecinkiem", headcount=5, own_room="+48 sala")
    name(booking, MAZ, "jan@mazowiecki.example", name="-Jan")
    say(booking, LODZ, "DECLINED", headcount=3)
    unreached(OPOLE)
    return booking


def csv_of(client: Client, booking: Booking, **query: str) -> list[list[str]]:
    response = client.get(reverse("roll_call_csv", args=[booking.number]), query)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_csv_has_a_line_for_each_institution_guest_and_colleague(staff_client: Client, booking: Booking) -> None:
    header, *rows = csv_of(staff_client, booking)
    assert header[:4] == ["Group", "Who", "State", "Number of people"]
    assert header[4:] == ["Room on their side", "Comment", "Proposed time", "E-mail addresses"]
    said = "'@SUM(A1)\ndruga linia; z przecinkiem"
    addresses = f"{MAZ}, jan@mazowiecki.example"
    assert rows == [
        ["Institutions", "Łódzki Urząd Wojewódzki", "not coming", "", "", "", "", LODZ],
        ["Institutions", "Mazowiecki Urząd Wojewódzki", "coming", "5", "'+48 sala", said, "", addresses],
        ["Institutions", "Opolski Urząd Wojewódzki", "not delivered", "", "", "", "", OPOLE],
        ["Guests without an institution", "'=1+1", "no answer", "", "", "", "", "ktos@gmina.example"],
        ["People of the office", "Anna Wrzesińska", "coming", "1", "", "", "", "anna.wrzesinska@urzad.example"],
    ]


def test_people_are_a_table_of_their_own(staff_client: Client, booking: Booking) -> None:
    rows = csv_of(staff_client, booking, tabela="osoby")
    assert [row[1:7] for row in rows[1:4]] == [
        ["Łódzki Urząd Wojewódzki", "Łódzki Urząd Wojewódzki", LODZ, "not coming", "", "3"],
        ["Mazowiecki Urząd Wojewódzki", "Mazowiecki Urząd Wojewódzki", MAZ, "coming", "", "5"],
        ["Mazowiecki Urząd Wojewódzki", "'-Jan", "jan@mazowiecki.example", "no answer", "", ""],
    ]
    assert rows[4][5] == "not delivered"
    response = staff_client.get(reverse("roll_call_csv", args=[booking.number]), {"tabela": "hasla"})
    assert response.status_code == 404


def test_a_workbook_has_both_and_nothing_in_it_is_a_formula(staff_client: Client, booking: Booking) -> None:
    response = staff_client.get(reverse("roll_call_xlsx", args=[booking.number]))
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert f"narada-lista-{booking.number}-2026-11-24.xlsx" in response.headers["Content-Disposition"]
    book: Any = load_workbook(io.BytesIO(response.content))
    assert [page.title for page in book.worksheets] == ["Institutions", "Participants"]
    assert book["Institutions"]["D3"].value == 5
    types = {cell.data_type for page in book.worksheets for row in page.iter_rows() for cell in row}
    assert "f" not in types
    assert book["Participants"]["C4"].value == "'-Jan"
