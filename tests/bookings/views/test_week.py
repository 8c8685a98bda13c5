"""The week over HTTP, and the date field that it shares with the day board."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.closure_times import ClosureDraft
from bookings.models import Booking
from rooms.models import LicenceGrant, OpeningHours, Room, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_room

_WEEK = "/tydzien/2026-11-24/"
_NEXT = "/tydzien/2026-12-03/"
_THURSDAY = datetime(2026, 12, 3)


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 42, tzinfo=UTC), tick=False):
        yield


@pytest.fixture(autouse=True)
def readers_of_english(office: Office) -> None:
    User.objects.update(language="en")


@pytest.fixture
def client(staff_client: Client) -> Client:
    """Anna."""
    return staff_client


def _html(client: Client, path: str = _NEXT) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def _cells(html: str, room: str) -> list[str]:
    """Return the days of a room as HTML, from Monday."""
    (row,) = [part for part in html.split("<tr>")[1:] if part.startswith(f'<th scope="row">{room}<')]
    return re.findall(r"<td.*?</td>", row)


def _text(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def _book(office: Office, code: str, **fields: object) -> Booking:
    return services.book(ask(office.staff, office.room(code), **fields), by=office.staff, now=NOW)  # type: ignore[arg-type] # each field has its own type


@pytest.mark.parametrize(
    ("path", "heading", "number"),
    [
        ("/tydzien/", "23–27 November 2026", 48),
        ("/tydzien/2026-11-29/", "23–27 November 2026", 48),
        ("/tydzien/2026-12-03/", "30 November – 4 December 2026", 49),
        ("/tydzien/2026-12-31/", "28 December 2026 – 1 January 2027", 53),
    ],
)
def test_a_week_has_its_days_and_number_for_a_heading(
    office: Office, client: Client, path: str, heading: str, number: int
) -> None:
    assert f"<h1>{heading}<small>Week {number} · Week board</small></h1>" in _html(client, path)


def test_every_day_of_a_week_names_its_monday_as_the_address_to_keep(office: Office, client: Client) -> None:
    assert '<link rel="canonical" href="/tydzien/2026-11-30/">' in _html(client)


def test_the_way_to_other_weeks_and_back_keeps_day_and_filters(office: Office, client: Client) -> None:
    html = _html(client, _NEXT + "?site=KOS&seats=8")
    for address in (
        '<a class="btn btn--icon" href="/tydzien/2026-11-26/?site=KOS&amp;seats=8" rel="prev"',
        '<a class="btn btn--icon" href="/tydzien/2026-12-10/?site=KOS&amp;seats=8" rel="next"',
        '<a class="btn btn--sm" href="/tydzien/?site=KOS&amp;seats=8">Today</a>',
        '<a href="/tablica/2026-12-03/?site=KOS&amp;seats=8">Day</a>',
        '<a href="/tydzien/2026-12-03/?site=KOS&amp;seats=8" aria-current="page">Week</a>',
        'href="/tydzien/2026-12-03/?site=TAB&amp;seats=8"',
    ):
        assert address in html
    day = _html(client, "/tablica/2026-12-03/?site=KOS")
    assert '<a href="/tydzien/2026-12-03/?site=KOS">Week</a>' in day
    assert '<a href="/tablica/2026-12-03/?site=KOS" aria-current="page">Day</a>' in day


@pytest.mark.parametrize("path", ["/tydzien/2100-01-01/", "/tydzien/2199-12-31/", "/tablica/2199-12-31/"])
def test_the_last_day_that_has_an_address_has_neighbours_or_none(office: Office, client: Client, path: str) -> None:
    assert "<h1>" in _html(client, path)


def test_filters_choose_rooms_and_sites(office: Office, client: Client) -> None:
    html = _html(client, _NEXT + "?site=TAB")
    assert re.findall(r'scope="rowgroup">([^<]*)', html) == ["Taborowa 33, Warszawa"]
    assert html.count('<th scope="row">') == 5
    assert "No room fits these filters" in _html(client, _NEXT + "?seats=200")


def test_free_now_is_asked_of_this_week_only(office: Office, client: Client) -> None:
    _book(office, "TAB/A", start=at(10), minutes=120)
    assert _html(client, "/tydzien/?free=now").count('<th scope="row">') == 11
    assert _html(client, _NEXT + "?free=now").count('<th scope="row">') == 12


def test_a_day_says_how_many_sessions_and_what_is_free_longest(office: Office, client: Client) -> None:
    for hour in (8, 12):
        _book(office, "KOS/2.14", start=at(hour, day=_THURSDAY))
    cell = _cells(_html(client), "Sala wideo 2.14")[3]
    assert _text(cell) == "Thu, Sala wideo 2.14: 2 sessions (8:00–9:00; 12:00–13:00), free 13:00–18:00"
    pk = office.room("KOS/2.14").pk
    assert f'<a class="week__day" href="/tablica/2026-12-03/#room-{pk}">' in cell
    # From 7:00, in columns of five minutes from line 2.
    assert '<i class="a-14 z-26"></i><i class="a-62 z-74"></i>' in cell


def test_the_free_hours_lead_to_the_form_with_room_day_and_time(office: Office, client: Client) -> None:
    _book(office, "KOS/2.14", start=at(7, day=_THURSDAY), minutes=630)
    _book(office, "KOS/2.16", start=at(8, day=_THURSDAY))
    html = _html(client)
    found = {}
    for code, name in (("KOS/2.14", "Sala wideo 2.14"), ("KOS/2.16", "Sala wideo 2.16")):
        (address,) = re.findall(r'class="week__free" href="([^"]*)"', _cells(html, name)[3])
        split = urlsplit(address.replace("&amp;", "&"))
        assert split.path == reverse("booking_new")
        query = parse_qs(split.query)
        assert query["room"] == [str(office.room(code).pk)]
        found[name] = [query[key][0] for key in ("day", "start", "end")]
    # An hour, as on the day board, or as much as there is.
    assert found == {
        "Sala wideo 2.14": ["2026-12-03", "17:30", "18:00"],
        "Sala wideo 2.16": ["2026-12-03", "9:00", "10:00"],
    }


def test_who_may_book_nothing_reads_what_is_free_without_a_link(office: Office) -> None:
    client = Client()
    client.force_login(office.newcomer)
    cell = _cells(_html(client), "Sala wideo A")[0]
    assert _text(cell) == "Mon, Sala wideo A: no sessions, free 7:00–18:00"
    assert "week__free" not in cell


def test_rooms_that_need_approval_say_so_to_all_but_their_managers(
    office: Office, client: Client, manager_client: Client
) -> None:
    assert "<small>8 seats, needs approval</small>" in _html(client)
    assert "<small>8 seats</small>" in _html(manager_client)


def test_nobody_who_is_not_signed_in_reads_the_week(office: Office) -> None:
    assert Client().get(_NEXT)["Location"].startswith(reverse("account_login"))


def test_a_closed_session_tells_its_hours_and_nothing_else(
    office: Office, client: Client, colleague_client: Client
) -> None:
    title = "Sprawa pana Kowalskiego"
    booking = _book(office, "TAB/A", start=at(10, day=_THURSDAY), title=title, is_private=True)
    for reader in (client, colleague_client):
        html = _html(reader)
        assert "Kowalskiego" not in html
        assert booking.number not in html
        assert "1 session (10:00–11:00, closed session), free" in _text(_cells(html, "Sala wideo A")[3])
        assert '<i class="a-38 z-50 private"></i>' in html


def test_a_session_in_several_rooms_has_its_colour_and_letter_in_each(office: Office, client: Client) -> None:
    rooms = [office.room(code) for code in ("KOS/2.14", "TAB/A")]
    services.book(ask(office.staff, *rooms, start=at(11, day=_THURSDAY)), by=office.staff, now=NOW)
    html = _html(client)
    assert html.count('<i class="a-50 z-62 th-1"></i>') == 2
    assert html.count("(11:00–12:00, session A)") == 2


def test_what_is_not_certain_yet_is_counted_apart(office: Office, client: Client) -> None:
    _book(office, "KOS/3.01", start=at(9, day=_THURSDAY))
    cell = _cells(_html(client), "Gabinet narad 3.01")[3]
    assert _text(cell) == "Thu, Gabinet narad 3.01: 1 tentative (9:00–10:00, awaits approval), free 10:00–18:00"
    assert '<i class="a-26 z-38 hold"></i>' in cell


def test_a_closure_is_hatched_and_one_of_the_whole_day_says_why(office: Office, client: Client) -> None:
    room, start = office.room("KOS/2.14"), at(13, day=_THURSDAY)
    for draft in (
        ClosureDraft("maintenance", "serwis <kamer>", start, start + timedelta(hours=3), room_id=room.pk),
        ClosureDraft(
            "maintenance", "malowanie", at(0, day=datetime(2026, 12, 4)), datetime(2026, 12, 5), room_id=room.pk
        ),
    ):
        services.close(draft, by=office.manager, now=NOW)
    cells = _cells(_html(client), "Sala wideo 2.14")
    assert _text(cells[3]) == "Thu, Sala wideo 2.14: no sessions (13:00–16:00 serwis &lt;kamer&gt;), free 7:00–13:00"
    assert 'hatch" title="13:00–16:00 serwis &lt;kamer&gt;"' in cells[3]
    assert _text(cells[4]) == "Fri, Sala wideo 2.14: no sessions (0:00–24:00 malowanie), out of use: malowanie"
    assert "week__free" not in cells[4]


def test_a_closure_at_night_is_not_drawn_into_the_morning(office: Office, client: Client) -> None:
    night = ClosureDraft("maintenance", "serwis", _THURSDAY, at(5, day=_THURSDAY), room_id=office.room("KOS/2.14").pk)
    services.close(night, by=office.manager, now=NOW)
    assert "hatch" not in _cells(_html(client), "Sala wideo 2.14")[3]


def test_a_day_that_is_taken_from_opening_to_closing_says_so(office: Office, client: Client) -> None:
    _book(office, "KOS/2.14", start=at(7, day=_THURSDAY), minutes=660)
    assert _text(_cells(_html(client), "Sala wideo 2.14")[3]).endswith("(7:00–18:00), no free hours")


def test_a_site_that_is_closed_that_day_offers_nothing(office: Office, client: Client) -> None:
    _book(office, "TAB/A", start=at(10, day=_THURSDAY))
    OpeningHours.objects.filter(site=office.room("TAB/A").site, weekday=3).delete()
    html = _html(client)
    assert _cells(html, "Sala wideo B")[3] == '<td class="week__closed">closed</td>'
    assert _text(_cells(html, "Sala wideo A")[3]) == "Thu, Sala wideo A: 1 session (10:00–11:00), closed"


def test_hours_in_which_one_site_is_closed_are_not_drawn_as_free(office: Office, client: Client) -> None:
    # The frame is 7:00 to 18:00, the site opens 8:00 to 16:00.
    cell = _cells(_html(client), "Sala wideo 5")[0]
    assert '<i class="a-2 z-14 off"></i><i class="a-110 z-134 off"></i>' in cell


def test_saturday_appears_when_something_is_open(office: Office, client: Client) -> None:
    OpeningHours.objects.create(site=office.koszykowa, weekday=5, opens=time(9), closes=time(12))
    html = _html(client)
    assert "30 November – 5 December 2026" in html
    assert 'href="/tablica/2026-12-05/">Sat 5 December</a>' in html
    assert _cells(html, "Sala wideo A")[5] == '<td class="week__closed">closed</td>'


def test_past_days_are_dimmed_and_today_offers_what_is_to_come(office: Office, client: Client) -> None:
    html = _html(client, _WEEK)
    cells = _cells(html, "Sala wideo 2.14")
    assert cells[0].startswith('<td class="is-past">')
    assert _text(cells[0]) == "Mon, Sala wideo 2.14: no sessions"
    assert _text(cells[1]) == "Tue, Sala wideo 2.14: no sessions, free 10:45–18:00"
    assert re.findall(r'<th scope="col"([^>]*)><a href="([^"]*)"', html)[:2] == [
        (' class="is-past"', "/tablica/2026-11-23/"),
        (' aria-current="date"', "/"),
    ]


def test_after_hours_today_offers_nothing_without_calling_it_taken(office: Office, client: Client) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 18, tzinfo=UTC), tick=False):
        cell = _cells(_html(client, _WEEK), "Sala wideo 2.14")[1]
    assert _text(cell) == "Tue, Sala wideo 2.14: no sessions"


def test_licences_are_shown_at_their_peak_with_a_word_when_full(office: Office, client: Client) -> None:
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=2)
    for code in ("KOS/2.14", "KOS/2.16"):
        services.book(ask(office.it_admin, office.room(code), start=at(10, day=_THURSDAY)), by=office.it_admin, now=NOW)
    heads = re.findall(r'<span class="day-lic v-(\d+)([^"]*)".*?</th>', _html(client))
    assert heads == [("0", ""), ("0", ""), ("0", ""), ("10", " lic--full"), ("0", "")]
    html = _html(client)
    assert '<span class="lic__n" aria-hidden="true">2 full</span>' in html
    assert '<span class="sr-only">at most 2 of 2 licences in use, full</span>' in html


def test_a_name_is_text_never_markup(office: Office, client: Client) -> None:
    Room.objects.filter(code="2.14").update(name="<b>Sala</b>")
    assert "&lt;b&gt;Sala&lt;/b&gt;" in _html(client)


def test_the_number_of_queries_does_not_grow_with_sessions_and_rooms(office: Office, client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            _html(client)
        return len(found)

    _book(office, "KOS/2.14", start=at(9, day=_THURSDAY))
    queries()
    before = queries()
    for n in range(3):
        room = make_room(office.koszykowa, f"W{n}")
        services.book(ask(office.staff, room, start=at(9 + n, day=_THURSDAY)), by=office.staff, now=NOW)
    # The office is read anew, since it has three rooms more; then it is kept again.
    queries()
    assert queries() == before <= 6


def test_an_unchanged_week_is_not_sent_again_and_a_changed_one_is(office: Office, client: Client) -> None:
    known = client.get(_NEXT)["ETag"]
    assert client.get(_NEXT, headers={"If-None-Match": known}).status_code == 304
    _book(office, "KOS/2.14", start=at(9, day=datetime(2026, 12, 10)))
    assert client.get(_NEXT, headers={"If-None-Match": known}).status_code == 304
    _book(office, "KOS/2.14", start=at(9, day=datetime(2026, 12, 4)))
    assert client.get(_NEXT, headers={"If-None-Match": known}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/tablica/2026-12-01/", "/tydzien/", "/tydzien/2026-12-01/"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bzdura", "“bzdura” is not a day. Write 3.12, Thu 3.12, 3.12.2026, 3 December or tomorrow."),
        ("31.11", "There is no 31.11 in the calendar. Check the day and the month."),
        ("Fri 3.12", "3 December 2026 is a Thursday, not a Friday. Correct the date or leave the weekday out."),
        ('"><script>', "“&quot;&gt;&lt;script&gt;” is not a day."),
        ("3" * 500, "is not a day"),
    ],
)
def test_a_date_that_cannot_be_read_stays_in_the_field_with_what_to_write(
    office: Office, client: Client, path: str, text: str, said: str
) -> None:
    response = client.get(path, {"day": text, "site": "KOS"})
    html = response.content.decode()
    assert response.status_code == 422
    assert said in html
    (field,) = re.findall(r'<input class="input[^>]*id="day"[^>]*>', html)
    assert 'aria-invalid="true" aria-describedby="day_error"' in field
    assert f'action="{path}"' in html
    assert '<input type="hidden" name="site" value="KOS">' in html


def test_another_weekday_than_the_date_has_offers_both_days(office: Office, client: Client) -> None:
    html = client.get("/tydzien/", {"day": "Fri 3.12", "site": "KOS"}).content.decode()
    assert '<a class="chip chip--offer" href="/tydzien/2026-12-03/?site=KOS">Thu 3 December</a>' in html
    assert '<a class="chip chip--offer" href="/tydzien/2026-12-04/?site=KOS">Fri 4 December</a>' in html


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tomorrow", "/tydzien/2026-11-25/"),
        ("czw. 3.12", "/tydzien/2026-12-03/"),
        ("3 grudnia", "/tydzien/2026-12-03/"),
        ("24.11.2026", "/tydzien/"),
        ("", "/tydzien/"),
    ],
)
def test_the_date_field_leads_to_the_week_of_the_day(office: Office, client: Client, text: str, address: str) -> None:
    assert client.get(_NEXT, {"day": text, "site": "TAB"})["Location"] == f"{address}?site=TAB"
