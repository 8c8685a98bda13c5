"""The past of the example office: believable, the same everywhere, once, and true to the licence rule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from bookings import services
from bookings.example_history import make_history
from bookings.models import Booking, ConferenceRun, LicenceHold, LicenceRefusal, Occurrence
from notifications.models import Message
from rooms.interval import Interval
from rooms.licences import Use, first_overuse, first_refusal
from rooms.terms import allocation
from tests.bookings.requests import NOW, ask
from tests.factories import Office, make_user

pytestmark = pytest.mark.django_db


def planned_uses() -> list[Use]:
    holds = LicenceHold.objects.select_related("occurrence")
    return [Use(hold.site_id, hold.seats, hold.occurrence.interval) for hold in holds if hold.occurrence]


@pytest.mark.long
def test_past_is_written_once_and_tells_nobody(office: Office) -> None:
    made = make_history(now=NOW)
    assert 1_000 < made < 3_000
    assert Booking.objects.count() == Occurrence.objects.count() == ConferenceRun.objects.count() == made
    assert Occurrence.objects.filter(ends_at__gt=NOW).count() == 0
    assert Message.objects.count() == 0
    assert make_history(now=NOW + timedelta(days=1)) == 0


@pytest.mark.long
def test_no_instant_used_more_than_there_was_and_every_refusal_was_right(office: Office) -> None:
    make_history(now=NOW)
    uses = planned_uses()
    span = Interval(min(use.interval.start_at for use in uses), NOW)
    have = allocation(office.pool)
    assert first_overuse(have, uses, span=span) is None
    refusals = list(LicenceRefusal.objects.select_related("booking"))
    assert len(refusals) > 10
    for refusal in refusals:
        wanted = Interval(refusal.period.lower, refusal.period.upper)
        near = [use for use in uses if use.interval.overlaps(wanted)]
        assert first_refusal(have, near, {refusal.site_id: 1}, span=wanted) is not None
        assert (refusal.booking is not None) is (refusal.outcome == LicenceRefusal.Outcome.MOVED)


def test_an_office_with_a_past_keeps_its_own(office: Office) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    assert make_history(now=NOW + timedelta(days=60)) == 0


def test_command_refuses_an_office_of_real_people(office: Office) -> None:
    make_user("jan@urzad.gov.pl")
    with pytest.raises(CommandError):
        call_command("demo_history")
