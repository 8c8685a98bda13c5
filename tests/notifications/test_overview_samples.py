"""The overviews of a day and of a week as they were on 28 November 2026, kept as files, in Polish and English.

To keep new ones after a change that is wanted, run this with NARADA_KEEP_SAMPLES=1.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import Attendee, Booking, LicenceRefusal, Occurrence, as_range
from bookings.rules import Participant, Wishes
from integrations.jitsi.models import ConferenceServer, ServerHealth
from notifications import digests, summaries
from notifications.compose import compose
from notifications.models import Message
from rooms.interval import Interval
from rooms.models import Room
from tests.bookings.closing import closing
from tests.bookings.requests import NOW, ask
from tests.factories import Office
from tests.notifications.test_compose_samples import readable
from tests.notifications.test_more_samples import compare

pytestmark = pytest.mark.django_db

#: Monday 30 November 2026 in Warsaw: 7:00 and 15:00.
MORNING, AFTERNOON = datetime(2026, 11, 30, 6, tzinfo=UTC), datetime(2026, 11, 30, 14, tzinfo=UTC)
TUESDAY = datetime(2026, 12, 1)
_STATES = ["ACCEPTED"] * 12 + ["DECLINED", "TENTATIVE", "NEEDS-ACTION", "NEEDS-ACTION"]


@pytest.fixture(autouse=True)
def hours(settings: Any) -> None:
    settings.SUMMARY_AT, settings.DIGEST_AT = time(15), (0, time(7))


def book(office: Office, *codes: str, start: datetime, title: str, now: datetime = NOW, **fields: Any) -> Booking:
    request = ask(office.staff, *map(office.room, codes), start=start, title=title, **fields)
    return services.book(request, by=office.staff, now=now)


def a_full_day(office: Office) -> None:
    """Make a Tuesday with one session as it should be and one with all that can be wrong; the Migri's is a third."""
    offices = tuple(Participant(contact_id=contact.pk) for code, contact in office.contacts.items() if code != "MIG")
    good = book(
        office, "KOS/2.14", "BIA/5", start=TUESDAY.replace(hour=9), title="Narada z urzędami", participants=offices
    )
    for attendee, state in zip(good.attendees.filter(is_organizer=False).order_by("pk"), _STATES, strict=True):
        Attendee.objects.filter(pk=attendee.pk).update(partstat=state)
    guests = (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example"))
    wishes = Wishes(seats=((office.koszykowa.pk, 20),))
    book(
        office,
        "KOS/2.16",
        "TAB/A",
        start=TUESDAY.replace(hour=13),
        minutes=90,
        title="Zezwolenia na pobyt",
        participants=guests,
        wishes=wishes,
    )
    Message.objects.filter(recipient="ktos@gmina.example").update(
        state="failed", last_error="550 no such user", due_at=NOW
    )
    services.close(closing(office.room("KOS/2.16"), start=TUESDAY.replace(hour=12)), by=office.manager, now=NOW)
    Room.objects.filter(code="A").update(is_active=False)
    server = ConferenceServer.objects.create(name="meet", url="https://meet.example", xmpp_domain="meet.example")
    ServerHealth.objects.create(server=server, state="down", since=AFTERNOON - timedelta(hours=2))


def a_full_week(office: Office) -> None:
    a_full_day(office)
    for day in range(30, 33):
        for hour in (8, 10, 12):
            start = datetime(2026, 11, 1, hour) + timedelta(days=day)
            book(office, "KOS/2.14", start=start, minutes=60 + 15 * (hour - 8), title="Konsultacje")
    asked_at = MORNING - timedelta(days=3, hours=1)
    book(office, "KOS/3.01", start=datetime(2026, 12, 3, 9), title="Rozprawa przed sądem", now=asked_at)
    missed = book(office, "KOS/2.14", start=datetime(2026, 11, 24, 10), title="Konsultacje").occurrences.get()
    Occurrence.objects.filter(pk=missed.pk).update(no_show_at=missed.starts_at + timedelta(minutes=15))
    for number in range(2):
        gone = book(office, "KOS/2.14", start=datetime(2026, 11, 25 + number, 10), title="Odwołana")
        services.cancel(gone, by=office.staff, now=gone.occurrences.get().starts_at - timedelta(hours=3))
    at = datetime(2026, 11, 26, 9, tzinfo=UTC)
    period = as_range(Interval(at, at + timedelta(hours=1)))
    LicenceRefusal.objects.bulk_create(
        LicenceRefusal(pool=office.pool, site=office.koszykowa, period=period, on=at.date(), at=at, user=office.staff)
        for _number in range(5)
    )


def in_two_languages(office: Office, user: Any, kind: str, now: datetime) -> dict[str, bytes]:
    found = {}
    for language in ("pl", "en"):
        type(user).objects.filter(pk=user.pk).update(language=language)
        row = Message.objects.select_related("user").get(kind=kind)
        raw = readable(compose(row, now=now).raw, "no-token")
        raw = re.sub(rb"<notice\.\d+\.[0-9a-f]+@", b"<notice.row.random@", raw)
        # Numbers go on from test to test.
        for place, number in enumerate(Booking.objects.order_by("pk").values_list("number", flat=True), 1):
            raw = raw.replace(number.encode(), f"N-2026-1{place:04}".encode())
        found[language] = raw
    return found


def test_overview_of_a_day(office: Office) -> None:
    a_full_day(office)
    summaries.queue_due(AFTERNOON)
    compare("day-summary", in_two_languages(office, office.staff, "summary", AFTERNOON))


def test_overview_of_a_week(office: Office) -> None:
    a_full_week(office)
    digests.queue_due(MORNING)
    compare("week-digest", in_two_languages(office, office.manager, "digest", MORNING))
