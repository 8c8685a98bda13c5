"""The sessions of the example office: booked through the ordinary door, once, on working days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bookings.example_sessions import Outcome, book_plans, read_plans
from bookings.example_surroundings import set_up_surroundings
from bookings.models import Answer, Approval, Attendee, Booking, Occurrence, Proposal, RoomHold, WaitlistEntry
from bookings.services import cancel
from rooms.example_office import ensure_rules
from rooms.models import BookingRule, Closure, MovableEquipment
from rooms.office_import.problems import ImportRefused
from rooms.office_import.store import import_office
from tests.factories import make_user

pytestmark = pytest.mark.django_db

_DEMO = Path(__file__).parents[2] / "demo"
# A Tuesday, 10:42 in Warsaw: some sessions of the day are over, some run, some are to come.
_NOW = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _office() -> None:
    import_office(_DEMO)


def _days() -> set[date]:
    return {start.date() for start in Occurrence.objects.values_list("starts_at", flat=True)}


def test_every_session_of_the_file_fits_into_the_office() -> None:
    plans = read_plans(_DEMO)
    assert book_plans(plans, now=_NOW) == Outcome(booked=len(plans))
    assert _days() == {date(2026, 11, 24), date(2026, 11, 25)}
    threads = set(Booking.objects.exclude(thread=None).values_list("thread", flat=True))
    assert threads == {1, 2, 3, 4, 5, 6}
    review = Attendee.objects.filter(booking__title="Urzędy wojewódzkie: przegląd miesiąca")
    assert review.count() == 17
    assert set(Booking.objects.filter(is_private=True).values_list("title", flat=True)) == {"Przesłuchanie"}


def test_second_run_books_nothing_and_does_not_bring_back_what_was_cancelled() -> None:
    plans = [plan for plan in read_plans(_DEMO) if plan.title == "Narada kierownictwa"]
    book_plans(plans, now=_NOW)
    booking = Booking.objects.get()
    cancel(booking, by=booking.created_by, now=_NOW)
    assert book_plans(plans, now=_NOW) == Outcome(there=1)


def test_next_day_fills_up_the_day_after() -> None:
    plans = [plan for plan in read_plans(_DEMO) if plan.title in {"Narada kierownictwa", "Przegląd umów IT"}]
    book_plans(plans, now=_NOW)
    assert book_plans(plans, now=_NOW.replace(day=25)) == Outcome(booked=2)
    assert _days() == {date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)}


def test_weekend_is_skipped() -> None:
    plans = [plan for plan in read_plans(_DEMO) if plan.title in {"Narada kierownictwa", "Przegląd umów IT"}]
    book_plans(plans, now=_NOW.replace(day=28))
    assert _days() == {date(2026, 11, 30), date(2026, 12, 1)}


def test_room_that_somebody_took_is_left_to_them() -> None:
    plans = [plan for plan in read_plans(_DEMO) if plan.title == "Przegląd umów IT"]
    book_plans(plans, now=_NOW)
    other = [replace(plans[0], title="Inna sesja"), replace(plans[0], rooms=("KOS/9.99",))]
    assert book_plans(other, now=_NOW) == Outcome(refused=2)


def test_command_leaves_a_real_office_alone() -> None:
    make_user("dyrektor@udsc.gov.pl")
    with pytest.raises(CommandError, match="prawdziw"):
        call_command("demo_sessions")
    assert not Booking.objects.exists()


def test_command_leaves_a_real_mail_server_alone(settings: Any) -> None:
    settings.EMAIL_URL = "smtp://localhost:2525"
    with pytest.raises(CommandError, match="EMAIL_URL"):
        call_command("demo_sessions")
    assert not Booking.objects.exists()


def test_spoiled_file_is_explained(tmp_path: Path) -> None:
    text = (_DEMO / "sessions.csv").read_text()
    (tmp_path / "sessions.csv").write_text(text.replace("08:15,09:00,Odprawa", "8.15,09:00,Odprawa"))
    with pytest.raises(ImportRefused) as refused:
        read_plans(tmp_path)
    assert [(problem.line, problem.column) for problem in refused.value.problems] == [(2, "start")]
    with pytest.raises(CommandError, match=r"sessions\.csv"):
        call_command("demo_sessions", str(tmp_path))


def _counts() -> dict[str, int]:
    return {
        "series": Booking.objects.exclude(rrule="").count(),
        "meetings": Occurrence.objects.exclude(booking__rrule="").count(),
        "moved": Occurrence.objects.filter(has_own_time=True).count(),
        "requests": Approval.objects.filter(state="pending").count(),
        "waiting": WaitlistEntry.objects.count(),
        "closures": Closure.objects.count(),
        "christmas": RoomHold.objects.filter(closure__title="Przerwa świąteczna").count(),
        "maintenance": RoomHold.objects.filter(closure__kind="maintenance").count(),
        "rules": BookingRule.objects.count(),
        "cameras": MovableEquipment.objects.get(is_recorder=False).quantity,
    }


def test_surroundings_of_the_sessions_are_there_once() -> None:
    call_command("demo_sessions")
    found = _counts()
    holidays_of_the_series = 11 - found.pop("meetings")
    assert 0 <= holidays_of_the_series <= 3
    assert found == {
        "series": 1,
        "moved": 1,
        "requests": 1,
        "waiting": 1,
        "closures": 2,
        "christmas": 5 * 9,
        "maintenance": 12,
        "rules": 3,
        "cameras": 2,
    }
    call_command("demo_sessions")
    assert _counts() == {**found, "meetings": 11 - holidays_of_the_series}


@pytest.mark.parametrize("day", [date(2026, 12, 23), date(2026, 12, 24), date(2027, 1, 1), date(2027, 3, 25)])
def test_surroundings_fit_into_any_day_of_the_year(day: date) -> None:
    now = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
    ensure_rules()
    set_up_surroundings(now=now)
    found = _counts()
    assert (found["series"], found["moved"], found["requests"], found["waiting"]) == (1, 1, 1, 1)
    set_up_surroundings(now=now)
    assert _counts() == found


def test_most_have_answered_and_one_proposes_another_time() -> None:
    """Once: a second run leaves everybody's answer as it is."""
    call_command("demo_sessions")
    answers = list(Answer.objects.order_by("pk").values_list("attendee", "partstat", "standing"))
    assert {standing for _who, _partstat, standing in answers} == {"counted"}
    people = Attendee.objects.filter(removed_at=None, is_organizer=False)
    came = people.filter(partstat="ACCEPTED").count()
    assert came > people.filter(partstat__in=["DECLINED", "TENTATIVE"]).count() > 0
    assert people.filter(partstat="NEEDS-ACTION").exists()
    assert Proposal.objects.get().state == "open"
    call_command("demo_sessions")
    assert list(Answer.objects.order_by("pk").values_list("attendee", "partstat", "standing")) == answers
