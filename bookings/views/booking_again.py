"""Opens the form for a session like an earlier one: same title, rooms and people, on the next day that suits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from bookings import availability, when
from bookings.forms import BookingForm
from bookings.queries import BookingDetails
from bookings.rules import Scope
from bookings.views.booking_draft import of_booking
from bookings.views.booking_times import day_text, set_time
from bookings.views.kept_gone import leave_out_gone
from bookings.wording import long_date

_WEEK = timedelta(weeks=1)
#: How many weeks are looked at for one in which everything is free.
_WEEKS = 8
#: What belongs to the booking that stands, not to a new one.
_OF_THE_BOOKING = ("scope", "version", "basis", "skip", "keep", "borrow_from", "emergency", "emergency_reason")


@dataclass(frozen=True, slots=True)
class Again:
    """The fields of the form, and what has to be said about them."""

    data: QueryDict
    notices: tuple[str, ...]


def opened_again(details: BookingDetails, *, user: User, now: datetime, scope: Scope) -> Again:
    """Return the form. `scope`: ALL takes the rule of a series over, ONE the meeting in `details` alone.

    A rule keeps its length: a series of a quarter of a year is offered for another quarter. The judge is asked once,
    for several weeks at a time.
    """
    data = of_booking(details, user_id=user.pk, scope=scope)
    for name in [name for name in _OF_THE_BOOKING if name in data]:
        del data[name]
    notices = [*_take_people(data, details, user), *leave_out_gone(data, user=user)]
    today = timezone.localtime(now, timezone.get_default_timezone()).date()
    was, until = _day(data.get("day", ""), today), _day(data.get("until", ""), today)
    # A rule goes on after its last meeting, or it would meet itself.
    last = details.on(details.meetings[-1]) if data["repeat"] != "no" else was
    first = _next_week(was, after=max(today, last))
    _move_to(data, was, first)
    free = _first_free(data, first, user=user, now=now) if data["repeat"] == "no" else first
    _move_to(data, first, free or first)
    data["until"] = day_text(until + (_day(data.get("day", ""), today) - was))
    return Again(data, (_words(details, data, today=today, is_free=free is not None), *notices))


def _take_people(data: QueryDict, details: BookingDetails, user: User) -> list[str]:
    """Invite the old organiser instead of oneself; who only looks on is not told addresses that the page keeps back."""
    tokens = [token for token in data.getlist("participants") if token != f"user:{user.pk}"]
    left = tokens if details.may_change else [token for token in tokens if not token.startswith("address:")]
    organizer = details.booking.organizer
    if organizer.pk != user.pk and f"user:{organizer.pk}" not in left:
        left.insert(0, f"user:{organizer.pk}")
    data.setlist("participants", left)
    if details.booking.is_outside:
        return [_("Guests of this session are known to its own calendar alone. Add whom you want to invite.")]
    hidden = sum(token not in left for token in tokens)
    if not hidden:
        return []
    words = ngettext(
        "%(count)d guest is known to the organiser alone and was left out.",
        "%(count)d guests are known to the organiser alone and were left out.",
        hidden,
    )
    return [words % {"count": hidden}]


def _next_week(was: date, *, after: date) -> date:
    """Return the next day after `after` that is on the same weekday."""
    return after + timedelta(days=(was - after).days % 7 or 7)


def _move_to(data: QueryDict, was: date, to: date) -> None:
    start = datetime.combine(was, when.parse_time(data.get("start", "")))
    end = when.parse_end(data.get("end", ""), day=was, today=was)
    set_time(data, start + (to - was), end + (to - was))
    data["weekday_of"] = str(to.weekday())


def _first_free(data: QueryDict, first: date, *, user: User, now: datetime) -> date | None:
    """Return the first week in which nothing is in the way; None where something is in all of them.

    Asked as a series of so many weeks: the judge answers for all dates at once, and leaves holidays out.
    """
    weekly = data.copy()
    weekly["repeat"], weekly["ending"], weekly["count"] = "weekly", "count", str(_WEEKS)
    weekly.setlist("weekday", [str(first.weekday())])
    form = BookingForm(weekly, today=first)
    if not form.has_time:
        return None
    request = form.to_request(organizer_id=user.pk, time_zone=settings.TIME_ZONE)
    assessment = availability.assess(request, by=user, now=now)
    taken = {refusal.on for refusal in assessment.refusals}
    if any(refusal.on is None and refusal.form_field == "rooms" for refusal in assessment.refusals):
        return None
    return next((meeting.on for meeting in assessment.meetings if meeting.on not in taken), None)


def _words(details: BookingDetails, data: QueryDict, *, today: date, is_free: bool) -> str:
    shown = {"number": details.booking.number, "day": long_date(_day(data.get("day", ""), today))}
    if data["repeat"] != "no":
        return _("Filled in as %(number)s was, with its repetition, from %(day)s on. Check it and book.") % shown
    if is_free:
        return _("Filled in as %(number)s was, for %(day)s, when everything is free. Check it and book.") % shown
    return _("Filled in as %(number)s was, for %(day)s. Not everything is free then: look beside the form.") % shown


def _day(text: str, today: date) -> date:
    try:
        return when.parse_day(text, today=today)
    except ValueError:
        return today
