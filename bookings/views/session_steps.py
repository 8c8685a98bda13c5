"""Says how far a session is: the strip from booking to its end, which the mails stand in the middle of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from bookings.queries import BookingDetails
from bookings.views.session_answers import Answers
from bookings.views.session_page import State
from bookings.wording import clock, moment_in_words


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the strip. `state`: done, now, or empty for what is still to come.

    `is_mails`: what became of the mails, in words that `notifications` has. `waits_for_mails`: it is the turn of this
    step only when they have left.
    """

    name: str = ""
    note: str = ""
    state: str = ""
    is_mails: bool = False
    waits_for_mails: bool = False


def steps(details: BookingDetails, state: State, answers: Answers, *, zone: ZoneInfo, now: datetime) -> list[Step]:
    """Return the steps in their order. Who is invited to single meetings hears nothing of mails and answers."""
    booking = details.booking
    booked_at = f"{moment_in_words(booking.created_at, zone, now=now)}, {booking.created_by}"
    mails = [Step(is_mails=True)] if details.sees_all and not booking.is_outside else []
    if booking.is_requested:
        asked = [Step(_("Sent for approval"), booked_at, "done"), Step(_("Approval"), _("awaited"), "now")]
        return [*asked, *_times(details, state, zone)]
    booked = Step(_("Booked"), booked_at, "done")
    if state.kind == "cancelled":
        return [booked, Step(_("Cancelled"), _cancelled_at(details, zone, now), "done"), *mails]
    answered = [_answered(state, answers)] if mails and len(answers.people) > 1 else []
    return [booked, *mails, *answered, *_times(details, state, zone)]


def _answered(state: State, answers: Answers) -> Step:
    is_done = answers.is_complete or state.kind in {"live", "over"}
    return Step(answers.headline, answers.rest, "done" if is_done else "now", waits_for_mails=not is_done)


def _times(details: BookingDetails, state: State, zone: ZoneInfo) -> list[Step]:
    found = []
    for name, at, now_is in (
        (_("Start"), details.occurrence.starts_at, {"live": "done", "over": "done"}),
        (_("End"), details.occurrence.ends_at, {"live": "now", "over": "done"}),
    ):
        is_at, time = now_is.get(state.kind, ""), clock(at.astimezone(zone))
        note = time if is_at == "done" else _("planned for %(time)s") % {"time": time}
        found.append(Step(name, note, is_at))
    return found


def _cancelled_at(details: BookingDetails, zone: ZoneInfo, now: datetime) -> str:
    if details.booking.cancelled_at is not None:
        return moment_in_words(details.booking.cancelled_at, zone, now=now)
    told = (event.at for event in details.events if event.occurrence_id == details.occurrence.pk)
    at = next(told, None)
    return moment_in_words(at, zone, now=now) if at else ""
