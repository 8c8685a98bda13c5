"""Books believable sessions for the example office, so that its day board is alive. Never for a real office."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts.models import Contact, ContactGroup, User
from accounts.queries import contacts_behind
from bookings import services
from bookings.rules import BookingRequest, Participant
from rooms.models import Room
from rooms.office_import import values
from rooms.office_import.cells import Cells
from rooms.office_import.problems import ImportRefused
from rooms.office_import.table import Sheet, read_table

SESSIONS = Sheet(
    "sessions.csv",
    ("day", "start", "end", "title", "organizer", "booked_by", "rooms", "participants", "private"),
)
# Makes the same key for the same line and day, so that a second run books nothing twice.
_NAMESPACE = uuid.UUID("6f1f1f0e-5d0b-4d57-9a53-6a1d3c0a9b11")


@dataclass(frozen=True, slots=True)
class Plan:
    """One line of sessions.csv. `day` counts working days, 0 is today or the next one; addresses in lower case."""

    day: int
    start: time
    end: time
    title: str
    organizer: str
    booked_by: str
    rooms: tuple[str, ...]
    participants: tuple[str, ...]
    is_private: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """`there`: booked by an earlier run. `refused`: rooms or licences that somebody else has taken."""

    booked: int = 0
    there: int = 0
    refused: int = 0


def read_plans(folder: Path) -> list[Plan]:
    """Raises: ImportRefused with everything that is wrong in sessions.csv."""
    table = read_table(folder, SESSIONS)
    plans = []
    for row in table.rows:
        cells = Cells(table, row)
        plan = _read_plan(cells)
        if cells.is_good:
            plans.append(plan)
    if table.problems:
        raise ImportRefused(table.problems)
    return plans


def _read_plan(cells: Cells) -> Plan:
    organizer = cells.read("organizer", values.email)
    return Plan(
        day=cells.read("day", values.integer(lowest=0, highest=20)),
        start=cells.read("start", values.clock),
        end=cells.read("end", values.clock),
        title=cells.read("title", values.text(longest=200)),
        organizer=organizer,
        booked_by=cells.read("booked_by", values.email) if cells.has("booked_by") else organizer,
        rooms=tuple(values.listed(cells.raw("rooms"))),
        participants=tuple(values.listed(cells.raw("participants"))),
        is_private=cells.read("private", values.yes_no),
    )


def book_plans(plans: Iterable[Plan], *, now: datetime) -> Outcome:
    """Book what is not booked yet, through the same door as everybody. `now`: when the command runs.

    Sessions that began earlier today are booked as of the day before: the board shows a whole day.
    """
    today = timezone.localtime(now).date()
    users = {user.email: user for user in User.objects.filter(is_active=True)}
    rooms = {f"{room.site.code}/{room.code}": room.pk for room in Room.objects.select_related("site")}
    results = []
    for plan in plans:
        organizer, by = users.get(plan.organizer), users.get(plan.booked_by)
        if organizer is None or by is None or not all(code in rooms for code in plan.rooms):
            results.append("refused")
            continue
        request = _request(plan, _working_day(today, plan.day), organizer, [rooms[code] for code in plan.rooms])
        results.append(_book(request, by=by, now=min(now, _day_before(request.local_start))))
    return Outcome(*(results.count(result) for result in ("booked", "there", "refused")))


def _book(request: BookingRequest, *, by: User, now: datetime) -> str:
    key = f"{request.local_start.isoformat()} {request.room_ids} {request.title}"
    try:
        services.book(request, by=by, now=now, submission=uuid.uuid5(_NAMESPACE, key))
    except services.AlreadyBooked:
        return "there"
    except (services.Refused, services.NotAllowed):
        return "refused"
    return "booked"


def _request(plan: Plan, day: date, organizer: User, room_ids: list[int]) -> BookingRequest:
    return BookingRequest(
        title=plan.title,
        local_start=datetime.combine(day, plan.start),
        local_end=datetime.combine(day, plan.end),
        time_zone=settings.TIME_ZONE,
        organizer_id=organizer.pk,
        room_ids=tuple(room_ids),
        participants=tuple(_participants(plan.participants)),
        is_private=plan.is_private,
    )


def _participants(names: Iterable[str]) -> Iterable[Participant]:
    """Turn addresses, codes of institutions and names of groups into people."""
    for name in names:
        if "@" in name:
            yield Participant(email=name)
            continue
        contacts = Contact.objects.filter(institution__code=name, is_active=True)
        group_ids = ContactGroup.objects.filter(name=name).values_list("pk", flat=True)
        for contact in contacts or contacts_behind(group_ids=list(group_ids)):
            yield Participant(contact_id=contact.pk)


def _working_day(today: date, number: int) -> date:
    """Return today, or the Monday after a weekend, and `number` working days on."""
    day = today
    while True:
        if day.weekday() < 5:
            if number == 0:
                return day
            number -= 1
        day += timedelta(days=1)


def _day_before(local_start: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(local_start.date() - timedelta(days=1), time(14, 3)))
