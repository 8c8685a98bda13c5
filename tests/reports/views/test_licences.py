"""The licence desk over HTTP: who may read what, whatever the office has, in a fixed number of statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings.models import LicenceRefusal
from rooms.models import EmergencySeats, LicenceGrant, LicenceLoan, LicencePool, NamedLicence, SiteShare
from tests.factories import Office, make_pool, make_site
from tests.reports.usage import NOW, TODAY, at, hold, refuse, run

DESK = "/zarzadzanie/licencje/"
REFUSALS = "/zarzadzanie/licencje/odmowy/"


@pytest.fixture(autouse=True)
def tuesday_morning(db: None) -> Iterator[None]:
    """Tuesday 24 November 2026, 10:30 in Warsaw; nothing is kept from other tests."""
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def english(office: Office) -> None:
    User.objects.update(language="en")


def text_of(response: Any) -> str:
    assert response.status_code == 200
    main = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)
    assert main
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main[0]))


def test_figures_say_now_the_next_peak_the_mean_and_the_refusals(
    office: Office, english: None, admin_client: Client
) -> None:
    for start, end in ((10, 12), (10, 11), (11, 12), (11, 13)):
        hold(office.pool, office.koszykowa, at(start), at(end), by=office.staff)
    # Each day of the 30 has a peak of 1, and today of 3; each of the 30 before has 2.
    for number in range(1, 60):
        day = TODAY - timedelta(days=number)
        for _ in range(1 if number < 30 else 2):
            hold(office.pool, office.taborowa, at(9, day=day), at(10, day=day), by=office.staff)
    refuse(office, office.koszykowa, at(9), outcome=LicenceRefusal.Outcome.MOVED)
    refuse(office, office.koszykowa, at(9))
    refuse(office, office.koszykowa, at(9, day=TODAY - timedelta(days=31)))
    text = text_of(admin_client.get(DESK))
    assert "in use now 2 of 10 next peak: 3 at 11:00" in text
    # 21 working days, for 11 November is a holiday: (20 × 1 + 3) / 21.
    assert "mean peak of the day, 30 days 1.1 −0.9 against the 30 days before" in text
    assert "refusals for lack of a licence, 30 days 2 1 was moved to another time" in text


def test_an_office_without_any_use_has_a_page_without_a_fault(
    office: Office, english: None, admin_client: Client
) -> None:
    text = text_of(admin_client.get(DESK))
    assert "in use now 0 of 10 nothing more today" in text
    assert "no sessions yet" in text
    assert "Nobody holds a licence on this day." in text
    assert "Nobody asked for a licence in the last 90 days" in text
    assert "A forecast needs three months of use." in text
    assert "Nobody was refused in the last 30 days." in text
    assert "The pool was never used up." in text


def test_an_office_without_a_pool_is_told_what_to_do(office: Office, english: None) -> None:
    SiteShare.objects.all().delete()
    LicencePool.objects.all().delete()
    for user, has_link in ((office.it_admin, True), (office.manager, False)):
        client = Client()
        client.force_login(user)
        response = client.get(DESK)
        assert "The office has no licences yet" in text_of(response)
        assert (reverse("admin:rooms_licencepool_add") in response.content.decode()) is has_link
        assert client.get(REFUSALS).status_code == 404
        assert client.get(f"{DESK}xlsx/").status_code == 404


def test_marks_say_reserve_named_emergency_lent_and_kept(office: Office, english: None, admin_client: Client) -> None:
    pool, staff = office.pool, office.staff
    LicenceGrant.objects.create(pool=pool, seats=1, valid_from=date(2019, 1, 1))
    EmergencySeats.objects.create(pool=pool, seats=1, valid_from=date(2019, 1, 1))
    LicenceLoan.objects.create(
        pool=pool, lender=office.taborowa, borrower=office.koszykowa, seats=1, valid_from=TODAY, valid_to=TODAY
    )
    for number in range(5):
        hold(pool, office.koszykowa, at(9), at(10), by=staff, title=f"Sesja {number}", kept=number == 4)
    hold(pool, None, at(12), at(13), by=staff, title="Bez lokalizacji")
    hold(pool, office.koszykowa, at(9), at(10), by=staff, title="Pilna", source="emergency")
    text = text_of(admin_client.get(DESK))
    assert "Koszykowa, borrowed from Taborowa 1" in text
    assert "Emergency licences 1" in text
    # Below the picture, the same in a table.
    table = text.partition("Whose licence")[2]
    assert "9:00–10:00 Sesja 0 Koszykowa from the share of Koszykowa" in table
    assert "9:00–10:00 Sesja 4 Koszykowa borrowed from Taborowa kept" in table
    assert "9:00–10:00 Pilna Koszykowa emergency licence" in table


def test_a_session_on_a_named_licence_stands_apart(office: Office, english: None, admin_client: Client) -> None:
    named = NamedLicence.objects.create(pool=office.pool, user=office.staff, valid_from=date(2019, 1, 1))
    hold(office.pool, office.koszykowa, at(9), at(10), by=office.staff, source="named", named=named)
    text = text_of(admin_client.get(DESK))
    assert "Named licences 1" in text
    assert "9:00–10:00 Odprawa Koszykowa named licence" in text


def test_the_day_of_the_lanes_is_chosen_by_address(office: Office, english: None, admin_client: Client) -> None:
    day = date(2026, 12, 3)
    hold(office.pool, office.koszykowa, at(9, day=day), at(10, day=day), by=office.staff, title="W grudniu")
    text = text_of(admin_client.get(f"{DESK}?dzien=2026-12-03"))
    assert "Thursday, 3 December 2026" in text
    assert "W grudniu" in text
    html = admin_client.get(f"{DESK}?dzien=2026-12-03").content.decode()
    assert f'href="{DESK}?dzien=2026-12-02#day"' in html
    assert f'href="{DESK}?dzien=2026-12-04#day"' in html


@pytest.mark.parametrize("given", ["2026-02-30", "jutro", "9999-12-31", "0001-01-01", "2026-12-03x", "' OR 1=1"])
def test_a_day_that_does_not_exist_is_today(office: Office, english: None, admin_client: Client, given: str) -> None:
    assert "Tuesday, 24 November 2026" in text_of(admin_client.get(DESK, {"dzien": given}))


def test_the_chart_of_a_site_counts_its_share_and_stays_chosen(
    office: Office, english: None, admin_client: Client
) -> None:
    for site, count in ((office.koszykowa, 3), (office.taborowa, 2)):
        for _ in range(count):
            hold(office.pool, site, at(9), at(10), by=office.staff)
    found = admin_client.get(f"{DESK}?lokalizacja=TAB&widok=tabela").context["desk"]
    assert (found.usage.rows[0].peak, found.usage.rows[0].limit) == (2, 3)
    assert found.usage.is_table_open
    assert [choice.label for choice in found.usage.choices if choice.is_chosen] == ["Taborowa"]
    assert "lokalizacja=TAB" in found.day.next_url
    whole = admin_client.get(DESK).context["desk"]
    assert (whole.usage.rows[0].peak, whole.usage.rows[0].limit) == (5, 10)


def test_several_pools_are_told_apart_and_kept_in_links(office: Office, english: None, admin_client: Client) -> None:
    other = make_pool(3, name="Inny system", is_default=False)
    hold(other, office.koszykowa, at(9), at(10), by=office.staff, title="W innym systemie")
    first = admin_client.get(DESK)
    assert "W innym systemie" not in text_of(first)
    assert "Inny system" in text_of(first)
    second = admin_client.get(f"{DESK}?pula={other.pk}")
    assert "W innym systemie" in text_of(second)
    assert f"pula={other.pk}" in second.context["desk"].day.next_url
    assert f"pula={other.pk}" in second.context["desk"].xlsx_url
    for wrong in ("0", "999999", "x", "1e3", "99999999999999999999999"):
        assert admin_client.get(DESK, {"pula": wrong}).status_code == 404


def test_refusals_say_when_what_and_what_became_of_them(
    office: Office, english: None, admin_client: Client, manager_client: Client
) -> None:
    day = date(2026, 11, 12)
    booked = hold(office.pool, office.taborowa, at(11, day=day), at(12, day=day), by=office.staff)
    refuse(
        office,
        office.taborowa,
        at(9, 30, day=day),
        outcome=LicenceRefusal.Outcome.MOVED,
        booking=booked.occurrence.booking,
    )
    later = hold(
        office.pool, office.taborowa, at(8, day=date(2026, 11, 16)), at(9, day=date(2026, 11, 16)), by=office.staff
    )
    refuse(
        office,
        office.koszykowa,
        at(10, 15, day=date(2026, 11, 13)),
        title="<b>NOSG</b>",
        outcome=LicenceRefusal.Outcome.MOVED,
        booking=later.occurrence.booking,
    )
    text = text_of(admin_client.get(DESK))
    assert "Thu 12.11, 9:30 Śląski UW: odwołania Taborowa moved to 11:00" in text
    assert "Fri 13.11, 10:15 &lt;b&gt;NOSG&lt;/b&gt; Koszykowa moved to Mon 16.11, 8:00" in text
    own = text_of(manager_client.get(DESK))
    assert "NOSG" in own
    assert "Śląski UW" not in own
    assert "refusal for lack of a licence at your sites, 30 days 1" in own


def test_every_outcome_of_a_refusal_has_its_word(office: Office, english: None, admin_client: Client) -> None:
    for outcome in LicenceRefusal.Outcome:
        refuse(office, office.koszykowa, at(9), outcome=outcome, title=f"Było: {outcome}")
    text = text_of(admin_client.get(REFUSALS))
    for words in ("not known yet", "moved to another time", "booked after all", "borrowed from another site"):
        assert words in text
    for words in ("emergency licence", "on the waiting list", "held by telephone", "given up"):
        assert words in text


def test_the_desk_shows_five_refusals_and_leads_to_pages_of_all(
    office: Office, english: None, admin_client: Client
) -> None:
    for number in range(60):
        refuse(office, office.koszykowa, at(9) - timedelta(minutes=number), title=f"Odmowa {number}")
    refuse(office, office.koszykowa, at(9, day=TODAY - timedelta(days=80)), title="Dawna odmowa")
    desk = text_of(admin_client.get(DESK))
    assert "all 60" in desk
    assert re.findall(r"Odmowa (\d+)", desk) == ["0", "1", "2", "3", "4"]
    first, second = admin_client.get(REFUSALS), admin_client.get(REFUSALS, {"page": 2})
    assert len(first.context["rows"]) == 50
    assert len(second.context["rows"]) == 10
    assert "Dawna odmowa" not in text_of(second)
    assert "Dawna odmowa" in text_of(admin_client.get(REFUSALS, {"okres": "90", "page": 2}))
    assert len(admin_client.get(REFUSALS, {"okres": "zawsze"}).context["rows"]) == 50


def _fill(office: Office, *, sites: int, days: int) -> None:
    """Make `sites` sites in all, each with a session a day, its conference, and a refusal."""
    places = [office.koszykowa, *(make_site(f"X{number}") for number in range(sites - 1))]
    for site in places:
        for number in range(days):
            day = TODAY - timedelta(days=number)
            held = hold(office.pool, None, at(9, day=day), at(10, day=day), by=office.staff, host=site)
            run(held, at(9, day=day), at(10, day=day))
            refuse(office, site, at(9, day=day))
            refuse(office, site, at(9, day=day), booking=held.occurrence.booking)


@pytest.mark.parametrize(("sites", "days"), [(1, 2), (1, 4), (2, 2), (3, 4)])
@pytest.mark.parametrize(("who", "expected"), [("it_admin", 34), ("manager", 23)])
def test_statements_do_not_grow_with_sites_days_or_refusals(
    office: Office, sites: int, days: int, who: str, expected: int
) -> None:
    SiteShare.objects.all().delete()
    _fill(office, sites=sites, days=days)
    client = Client()
    client.force_login(getattr(office, who))
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"{DESK}?dzien=2026-11-23&lokalizacja=KOS").status_code == 200
    # Session and user; roles, navigation, pools, sites; use twice (planned and actual), what is held on two days with
    # who may open it, loans, refusals counted and listed; of the outlook wishes in four (one more where a
    # meeting of a series was cancelled) and months in one;
    # the terms of the pool, which managers see less of.
    assert len(asked) == expected
    with CaptureQueriesContext(connection) as again:
        client.get(f"{DESK}?dzien=2026-11-23&lokalizacja=KOS")
    assert len(again) == expected - OUTLOOK


#: Statements that the cache saves for an hour.
OUTLOOK = 5


def test_twenty_sites_are_chips_and_a_session_of_many_seats_is_one_lane(
    office: Office, english: None, admin_client: Client
) -> None:
    for number in range(17):
        make_site(f"Y{number}", name=f"Delegatura z bardzo długą nazwą numer {number} w mieście wojewódzkim")
    big = make_pool(120, name="Duży", is_default=False, counts="participant")
    for number in range(10):
        hold(big, office.koszykowa, at(9), at(10), by=office.staff, seats=12, title=f"Wykład {number}")
    found = admin_client.get(f"{DESK}?pula={big.pk}")
    desk = found.context["desk"]
    assert not desk.usage.is_bar
    assert len(desk.usage.choices) == 21
    assert [(group.title, group.peak, len(group.lanes)) for group in desk.day.groups] == [("Shared reserve", 120, 10)]
    text = text_of(found)
    assert "One licence is one participant at a time." in text
    assert "9:00–10:00 Wykład 0 Koszykowa 12 from the reserve" in text
    assert "Wykład 9 9:00–10:00 · 12 licences · Koszykowa from the reserve" in text


def test_many_sessions_at_once_have_dense_lanes(office: Office, english: None, admin_client: Client) -> None:
    big = make_pool(120, name="Duży", is_default=False)
    for number in range(30):
        hold(big, office.koszykowa, at(9), at(10), by=office.staff, title=f"Wykład {number}")
    day = admin_client.get(f"{DESK}?pula={big.pk}").context["desk"].day
    assert day.is_dense
    assert [len(group.lanes) for group in day.groups] == [30]


def test_numbers_of_the_drawing_have_no_decimal_comma(office: Office, admin_client: Client) -> None:
    """Everybody reads Polish here, with its comma."""
    for number in range(100):
        day = TODAY - timedelta(days=number)
        hold(office.pool, office.koszykowa, at(9, day=day), at(10, day=day), by=office.staff)
    html = admin_client.get(DESK).content.decode()
    places = re.findall(r' (?:x|y|x1|x2|y1|y2|width|height|cx|cy|d|viewBox)="([^"]*)"', html)
    assert len(places) > 200
    assert [place for place in places if "," in place] == []


def test_hostile_titles_are_text(office: Office, admin_client: Client) -> None:
    hold(office.pool, office.koszykowa, at(9), at(10), by=office.staff, title='"><script>alert(1)</script>')
    html = admin_client.get(DESK).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_the_night_when_clocks_go_back_has_25_hours(office: Office, english: None, admin_client: Client) -> None:
    sunday = date(2026, 10, 25)
    hold(office.pool, office.koszykowa, at(0, day=sunday), at(0, day=date(2026, 10, 26)), by=office.staff)
    desk = admin_client.get(f"{DESK}?dzien=2026-10-25").context["desk"]
    assert desk.day.hours_css == "h-25"
    [[bar]] = desk.day.groups[0].lanes
    assert bar.css == "a-2 z-302"
