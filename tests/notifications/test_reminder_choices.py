"""What people and sites choose to be reminded of: kept once, checked, traceable, and what it comes to."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connections

from notifications import reminder_choices, reminder_history, reminder_terms, reminders
from notifications.models import Message, ReminderChoice, SiteReminders
from notifications.models.choices import Quiet
from notifications.reminder_choices import NotAChoice, SiteWishes
from notifications.reminder_terms import Source
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.jitsi.sessions import make_session

pytestmark = pytest.mark.django_db

DAY, HOUR, QUARTER = timedelta(days=1), timedelta(hours=1), timedelta(minutes=15)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def terms_of_the_office(settings: Any) -> None:
    settings.REMINDER_LEADS, settings.REMINDER_QUIET = (DAY, QUARTER), (time(21), time(6))
    settings.RSVP_NUDGE_LEADS, settings.SUMMARY_AT, settings.DIGEST_AT = (3 * DAY,), time(15), (0, time(7))


def choose(**fields: Any) -> None:
    defaults: dict[str, Any] = {"leads": None, "quiet": Quiet.DEFAULT, "wants_nudge": True, "now": NOW}
    reminder_choices.choose(**{**defaults, **fields})


def kept(row: Any) -> tuple[object, ...]:
    return (row.leads, row.quiet, row.quiet_from, row.quiet_to, row.wants_nudge, row.wants_summary, row.wants_digest)


def test_a_later_choice_takes_the_place_of_the_earlier_one(office: Office) -> None:
    choose(user=office.staff, leads=[HOUR], quiet=Quiet.OWN, quiet_from=time(20), quiet_to=time(7), wants_nudge=False)
    choose(user=office.staff, leads=[QUARTER, DAY, QUARTER], wants_summary=False, wants_digest=False, now=LATER)
    row = ReminderChoice.objects.get()
    assert kept(row) == ([DAY, QUARTER], "default", None, None, True, False, False)
    assert (row.user, row.address, row.changed_at) == (office.staff, None, LATER)


def test_an_address_is_one_however_it_is_spelled(db: None) -> None:
    choose(address="Ktos@Gmina.example", leads=[])
    choose(address=" ktos@gmina.example", leads=[HOUR])
    assert [(row.address, row.leads, row.user) for row in ReminderChoice.objects.all()] == [
        ("ktos@gmina.example", [HOUR], None)
    ]


def test_times_of_hours_that_are_not_own_are_not_kept(office: Office) -> None:
    choose(user=office.staff, quiet=Quiet.NONE, quiet_from=time(20), quiet_to=time(7))
    row = ReminderChoice.objects.get()
    assert (row.quiet, row.quiet_from, row.quiet_to) == ("none", None, None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"leads": [timedelta(minutes=n) for n in range(1, 8)]}, "leads"),
        ({"leads": [timedelta(0)]}, "leads"),
        ({"leads": [-HOUR]}, "leads"),
        ({"leads": [timedelta(days=8)]}, "leads"),
        ({"quiet": "sometimes"}, "quiet"),
        ({"quiet": Quiet.OWN, "quiet_to": time(6)}, "quiet_from"),
        ({"quiet": Quiet.OWN, "quiet_from": time(21)}, "quiet_to"),
        ({"quiet": Quiet.OWN, "quiet_from": time(6), "quiet_to": time(6)}, "quiet_to"),
    ],
)
def test_what_can_not_be_is_refused_at_its_field(office: Office, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(NotAChoice) as refused:
        choose(user=office.staff, **fields)
    assert refused.value.field == field
    assert str(refused.value)
    assert not ReminderChoice.objects.exists()


def test_a_choice_is_of_one(office: Office) -> None:
    for whose in ({}, {"user": office.staff, "address": "a@b.example"}):
        with pytest.raises(ValueError, match="either"):
            choose(**whose)


def test_switching_off_leaves_the_rest_and_is_of_the_account_where_there_is_one(office: Office) -> None:
    session = make_session(office)
    choose(user=office.staff, leads=[HOUR], quiet=Quiet.NONE, wants_digest=False)
    for attendee in (session.organizer, session.guest, session.stranger, session.stranger):
        reminder_choices.switch_off(attendee, LATER)
    mine = ReminderChoice.objects.get(user=office.staff)
    assert kept(mine) == ([], "none", None, None, False, True, False)
    others = ReminderChoice.objects.filter(user=None).order_by("address")
    assert [(row.address, row.leads, row.wants_nudge) for row in others] == [
        ("ktos@gmina.example", [], False),
        ("video@migri.example", [], False),
    ]


def test_the_narrowest_that_said_anything_counts(office: Office) -> None:
    office_says = reminder_terms.terms_of_site(None)
    assert (office_says.leads, office_says.quiet, office_says.nudges) == (
        (DAY, QUARTER),
        (time(21), time(6)),
        (3 * DAY,),
    )
    assert office_says.leads_by == office_says.quiet_by == office_says.summary_by == Source.OFFICE
    wanted = SiteWishes(leads=(HOUR,), nudge_lead=timedelta(0), digest_weekday=4, digest_at=time(8))
    reminder_choices.choose_for_site(office.koszykowa, wanted, by=office.manager, now=NOW)
    (at_site,) = reminder_terms.terms_of_sites_of(office.staff)
    terms = at_site.terms
    assert (terms.leads, terms.leads_by, terms.quiet_by) == ((HOUR,), Source.SITE, Source.OFFICE)
    assert (terms.nudges, terms.nudges_by) == ((), Source.SITE)
    assert (terms.digest_at, terms.digest_by, terms.summary_by) == ((4, time(8)), Source.SITE, Source.OFFICE)
    choose(user=office.staff, quiet=Quiet.NONE, wants_summary=False)
    own = reminder_terms.terms_for(reminder_terms.choice_of(office.staff), terms)
    assert (own.leads_by, own.quiet, own.quiet_by) == (Source.SITE, None, Source.OWN)
    assert (own.summary_at, own.summary_by) == (None, Source.OWN)
    choose(user=office.staff, leads=[])
    own = reminder_terms.terms_for(reminder_terms.choice_of(office.staff), terms)
    assert (own.leads, own.leads_by) == ((), Source.OWN)


def test_a_participant_with_an_account_has_the_choice_of_the_account(office: Office) -> None:
    session = make_session(office)
    choose(user=office.staff, leads=[HOUR])
    choose(address=office.staff.email, leads=[])
    choose(address="video@migri.example", leads=[QUARTER])
    found = [reminder_terms.choice_for(one) for one in (session.organizer, session.guest, session.stranger)]
    assert [row and row.leads for row in found] == [[HOUR], [QUARTER], None]
    at_site = reminder_terms.terms_of_session(session.guest)
    assert at_site is not None
    assert at_site.site == office.koszykowa


def test_only_managers_of_a_site_change_it(office: Office) -> None:
    for user, site in (
        (office.staff, office.koszykowa),
        (office.manager, office.biala),
        (office.newcomer, office.biala),
    ):
        with pytest.raises(reminder_choices.NotAllowed):
            reminder_choices.choose_for_site(site, SiteWishes(leads=()), by=user, now=NOW)
    assert not SiteReminders.objects.exists()
    for user in (office.manager, office.it_admin):
        reminder_choices.choose_for_site(office.koszykowa, SiteWishes(leads=()), by=user, now=NOW)
    assert [one.site for one in reminder_terms.terms_of_sites_managed_by(office.manager)] == [office.koszykowa]
    assert len(reminder_terms.terms_of_sites_managed_by(office.it_admin)) == 3
    assert reminder_terms.terms_of_sites_managed_by(office.staff) == ()


def test_changes_of_a_site_say_who_changed_what_and_nothing_is_no_change(office: Office) -> None:
    site = office.koszykowa
    first = SiteWishes(leads=(DAY, HOUR), quiet=Quiet.OWN, quiet_from=time(20), quiet_to=time(7))
    reminder_choices.choose_for_site(site, first, by=office.manager, now=NOW)
    reminder_choices.choose_for_site(site, first, by=office.it_admin, now=LATER)
    second = SiteWishes(leads=(DAY, HOUR), nudge_lead=DAY, has_summary=False, digest_weekday=4, digest_at=time(8, 30))
    reminder_choices.choose_for_site(site, second, by=office.it_admin, now=LATER)
    assert LogEntry.objects.count() == 2
    newest, oldest = reminder_history.changes_of(site)
    assert (newest.changed_at, newest.by, oldest.changed_at, oldest.by) == (
        LATER,
        "Ewa Łukasik",
        NOW,
        "Piotr Zieliński",
    )
    assert len(oldest.lines) == 2
    assert "20:00–7:00" in oldest.lines[1]
    assert len(newest.lines) == 4
    assert "8:30" in newest.lines[3]
    assert reminder_history.changes_of(office.biala) == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (SiteWishes(nudge_lead=timedelta(days=40)), "nudge_lead"),
        (SiteWishes(digest_weekday=1), "digest_at"),
        (SiteWishes(digest_at=time(7)), "digest_at"),
        (SiteWishes(quiet=Quiet.OWN, quiet_from=time(7), quiet_to=time(7)), "quiet_to"),
    ],
)
def test_a_site_is_told_what_can_not_be(office: Office, wanted: SiteWishes, field: str) -> None:
    with pytest.raises(NotAChoice) as refused:
        reminder_choices.choose_for_site(office.koszykowa, wanted, by=office.manager, now=NOW)
    assert refused.value.field == field
    assert not LogEntry.objects.exists()


def test_what_is_switched_off_keeps_no_time(office: Office) -> None:
    wanted = SiteWishes(has_summary=False, summary_at=time(9), has_digest=False, digest_weekday=1, digest_at=time(9))
    reminder_choices.choose_for_site(office.koszykowa, wanted, by=office.manager, now=NOW)
    row = SiteReminders.objects.get()
    assert (row.summary_at, row.digest_weekday, row.digest_at) == (None, None, None)
    terms = reminder_terms.terms_of_site(row)
    assert (terms.summary_at, terms.digest_at) == (None, None)


def test_what_waits_and_is_wanted_no_more_is_not_sent(office: Office) -> None:
    session = make_session(office)
    eve = session.at(hours=-20)
    assert reminders.queue_due(eve) == 3
    choose(address=session.guest.email, leads=[HOUR], now=eve)
    reminder_choices.switch_off(session.organizer, eve)
    assert waiting() == [session.stranger.email]
    assert reminders.queue_due(eve) == 0
    choose(user=office.staff, leads=[DAY], now=eve)
    assert reminders.queue_due(eve) == 1
    assert waiting() == [office.staff.email, session.stranger.email]
    reminder_choices.choose_for_site(office.koszykowa, SiteWishes(leads=()), by=office.manager, now=eve)
    reminders.queue_due(eve)
    assert waiting() == [office.staff.email]


def waiting() -> list[str]:
    rows = Message.objects.filter(kind=Message.Kind.REMINDER, state__in=Message.WAITING)
    return sorted(rows.values_list("recipient", flat=True))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_person_who_chooses_often_at_once_has_one_choice(open_office: Office) -> None:
    session = make_session(open_office)
    gate = threading.Barrier(12)

    def act(number: int) -> None:
        gate.wait()
        try:
            if number % 3 == 0:
                reminder_choices.switch_off(session.guest, NOW)
            elif number % 3 == 1:
                choose(address=session.guest.email, leads=[HOUR])
            else:
                wanted = SiteWishes(leads=(number * HOUR,))
                reminder_choices.choose_for_site(open_office.koszykowa, wanted, by=open_office.manager, now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(act, range(12)))
    assert ReminderChoice.objects.get().leads in ([], [HOUR])
    row = SiteReminders.objects.get()
    newest = LogEntry.objects.latest("pk")
    assert LogEntry.objects.count() == 4
    assert newest.change_message.split("→")[1].split()[0] == str(row.leads[0] // HOUR)
