"""What the example office has around its sessions: a series, a request that waits, closures, somebody in line.

Everything goes through the same doors as for people, and is there once: a second run finds it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from bookings import services
from bookings.closure_times import ClosureDraft
from bookings.recurrence import Frequency, Pattern
from bookings.rules import BookingRequest, Decision, Participant, Series
from rooms.models import Closure, Room

_NAMESPACE = uuid.UUID("0c1b6a52-7a6e-4a55-9d0a-30f0a2d9c4e7")
_WEDNESDAY, _THURSDAY = 2, 3
_REFUSED = (services.Refused, services.NotAllowed, services.AlreadyBooked)


@dataclass(frozen=True, slots=True)
class _Office:
    """The people and rooms of demo/ that are needed here."""

    anna: User
    joanna: User
    ewa: User
    rooms: dict[str, Room]


def set_up_surroundings(*, now: datetime) -> None:
    """Add what is not there yet. Where people or rooms of the example were taken away, nothing is added."""
    office = _find_office()
    if office is None:
        return
    today = timezone.localtime(now).date()
    _close(office, today, now=now)
    _book_series(office, today, now=now)
    _ask_and_wait(office, today, now=now)


def _find_office() -> _Office | None:
    emails = [f"{name}@urzad.example" for name in ("anna.wrzesinska", "joanna.maj", "ewa.lukasik")]
    users = {user.email: user for user in User.objects.filter(email__in=emails, is_active=True)}
    rooms = {f"{room.site.code}/{room.code}": room for room in Room.objects.select_related("site")}
    if len(users) < len(emails) or not {"KOS/1.03", "KOS/2.14", "KOS/2.16", "TAB/A"} <= rooms.keys():
        return None
    return _Office(users[emails[0]], users[emails[1]], users[emails[2]], rooms)


def _close(office: _Office, today: date, *, now: datetime) -> None:
    """Close Taborowa over Christmas, and a room for maintenance on the first Wednesday of each month."""
    year = today.year if today < date(today.year, 12, 24) else today.year + 1
    christmas = ClosureDraft(
        kind=Closure.Kind.CLOSURE,
        title="Przerwa świąteczna",
        title_en="Christmas break",
        local_start=datetime.combine(date(year, 12, 24), time()),
        local_end=datetime.combine(date(year + 1, 1, 2), time()),
        site_id=office.rooms["TAB/A"].site_id,
    )
    month = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    maintenance = ClosureDraft(
        kind=Closure.Kind.MAINTENANCE,
        title="Przegląd sprzętu wideo",
        title_en="Video equipment check",
        local_start=datetime.combine(month, time(7)),
        local_end=datetime.combine(month, time(8)),
        room_id=office.rooms["KOS/2.14"].pk,
        pattern=Pattern(Frequency.MONTHLY, weekdays=(_WEDNESDAY,), nth=1, count=12),
    )
    known = set(Closure.objects.values_list("title", flat=True))
    for draft in (christmas, maintenance):
        if draft.title not in known:
            services.close(draft, by=office.ewa, now=now)


def _book_series(office: _Office, today: date, *, now: datetime) -> None:
    """Book a weekly series of a quarter whose second meeting is a day earlier and whose third is left out."""
    first = today + timedelta(days=7 - today.weekday() + _THURSDAY)
    second, third = first + timedelta(weeks=1), first + timedelta(weeks=2)
    moved = datetime.combine(second - timedelta(days=1), time(7, 15))
    series = Series(
        Pattern(Frequency.WEEKLY, weekdays=(_THURSDAY,), count=12),
        decisions=(
            Decision(second, "change", local_start=moved, local_end=moved + timedelta(minutes=45)),
            Decision(third, "skip"),
        ),
    )
    request = _request("Odprawa zespołu legalizacji", office.joanna, office.rooms["KOS/2.16"], first, time(7, 15), 45)
    request = replace(request, series=series, participants=(Participant(user_id=office.anna.pk),))
    _book(request, f"series {first.year} {(first.month - 1) // 3}", by=office.joanna, now=now)


def _ask_and_wait(office: _Office, today: date, *, now: datetime) -> None:
    """Ask, once a week, for a room that needs approval, and stand in line for another that is taken."""
    monday = today + timedelta(days=7 - today.weekday())
    request = _request(
        "Spotkanie z Rzecznikiem Praw Dziecka", office.anna, office.rooms["KOS/1.03"], monday, time(13), 90
    )
    if _book(request, f"request {monday.isoformat()}", by=office.anna, now=now):
        _stand_in_line(office, monday, now=now)


def _stand_in_line(office: _Office, monday: date, *, now: datetime) -> None:
    taken = _request("Szkolenie z obsługi Pobytu", office.anna, office.rooms["KOS/2.14"], monday, time(16, 15), 75)
    wanted = _request("Omówienie skarg", office.joanna, office.rooms["KOS/2.14"], monday, time(16, 30), 45)
    if _book(taken, f"taken {monday.isoformat()}", by=office.anna, now=now):
        try:
            services.join_waitlist(wanted, by=office.joanna, now=now)
        except services.Refused:
            # Somebody has moved things around: then nobody stands in line.
            return


def _request(title: str, organizer: User, room: Room, day: date, start: time, minutes: int) -> BookingRequest:
    local_start = datetime.combine(day, start)
    return BookingRequest(
        title=title,
        local_start=local_start,
        local_end=local_start + timedelta(minutes=minutes),
        time_zone=settings.TIME_ZONE,
        organizer_id=organizer.pk,
        room_ids=(room.pk,),
    )


def _book(request: BookingRequest, key: str, *, by: User, now: datetime) -> bool:
    try:
        services.book(request, by=by, now=now, submission=uuid.uuid5(_NAMESPACE, key))
    except _REFUSED:
        return False
    return True
