"""Says a list of sessions in words, day by day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from bookings.list_queries import ListedBooking
from bookings.models import Booking
from bookings.queries import date_of
from bookings.wording import interval_range, long_date


@dataclass(frozen=True, slots=True)
class ListedSession:
    booking: Booking
    title: str
    href: str
    times: str
    rooms: str
    #: Empty where the user organizes it.
    organizer: str
    #: requested, live, cancelled or empty.
    state: str
    thread: int | None
    #: „i jeszcze 27 spotkań” of a series; empty for a single session.
    more: str


@dataclass(frozen=True, slots=True)
class ListedDay:
    name: str
    #: „dziś”, „jutro” or empty.
    near: str
    sessions: tuple[ListedSession, ...]


def in_days(listed: Iterable[ListedBooking], *, user: User, now: datetime) -> list[ListedDay]:
    """Group bookings, which come in order, by the day of their meeting in the user's zone."""
    zone = ZoneInfo(user.time_zone)
    today = now.astimezone(zone).date()

    def day_of(item: ListedBooking) -> date:
        return item.occurrence.starts_at.astimezone(zone).date()

    days = []
    for day, group in groupby(listed, key=day_of):
        near = {0: _("today"), 1: _("tomorrow"), -1: _("yesterday")}.get((day - today).days, "")
        sessions = tuple(_listed(item, user=user, zone=zone, now=now) for item in group)
        days.append(ListedDay(long_date(day), near, sessions))
    return days


def _listed(item: ListedBooking, *, user: User, zone: ZoneInfo, now: datetime) -> ListedSession:
    booking, occurrence = item.booking, item.occurrence
    named = ", ".join(f"{room.name} ({room.site.label})" for room in item.rooms)
    if booking.is_cancelled:
        state = "cancelled"
    elif booking.is_requested:
        state = "requested"
    else:
        state = "live" if occurrence.interval.contains(now) else ""
    return ListedSession(
        booking=booking,
        title=occurrence.own_title or booking.title,
        href=_address(item),
        times=interval_range(occurrence.interval, zone),
        rooms=named or ("" if booking.is_cancelled else _("without a room")),
        organizer="" if booking.organizer_id == user.pk else str(booking.organizer),
        state=state,
        thread=booking.thread if len(item.rooms) > 1 else None,
        more=_more(item, now=now),
    )


def _address(item: ListedBooking) -> str:
    address = reverse("booking_show", args=[item.booking.number])
    if not item.booking.is_series:
        return address
    return f"{address}?spotkanie={date_of(item.booking, item.occurrence).isoformat()}"


def _more(item: ListedBooking, *, now: datetime) -> str:
    if not item.booking.is_series:
        return ""
    if item.occurrence.ends_at <= now:
        return _("a meeting of a series")
    if not item.more:
        return _("the last meeting of a series")
    return ngettext("and %(count)d more meeting", "and %(count)d more meetings", item.more) % {"count": item.more}
