"""Says requests in words: who asks for what, why somebody is to answer, and what else is asked for at that time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from bookings.approval_queries import pending_for, requests_of
from bookings.models import Approval, Booking
from bookings.wording import interval_range, long_date
from rooms.permissions import SiteRoles
from rooms.queries import rooms_to_choose
from rooms.rule_words import sentence
from rooms.rules import Kind, Rule

MAX_ANSWER = 500
_KINDS = {
    Approval.State.PENDING: ("warn", "clock"),
    Approval.State.APPROVED: ("ok", "check"),
    Approval.State.DECLINED: ("danger", "x"),
    Approval.State.EXPIRED: ("danger", "clock"),
    Approval.State.WITHDRAWN: ("", "minus"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a card. `others`: what else waits for an answer at an overlapping time; `kind`, `icon`: its tag."""

    approval: Approval
    booking: Booking
    when: str
    #: Of its first meeting, as the board has it.
    day: date
    more_dates: str
    rooms: str
    reasons: tuple[str, ...]
    others: tuple[str, ...]
    kind: str
    icon: str
    problem: str = ""
    typed: str = ""


class ApprovalsPage:
    def __init__(self, user: User, now: datetime, *, failed: tuple[int, str] | None = None, typed: str = "") -> None:
        self.user, self.now, self.failed, self.typed = user, now, failed, typed
        self.zone, self.roles = ZoneInfo(user.time_zone), SiteRoles.of(user)
        self.pending = pending_for(user, now=now)
        self.mine = requests_of(user, now=now)
        reasons = [reason for item in (*self.pending, *self.mine) for reason in item.reasons]
        named = {reason["room"] for reason in reasons if reason.get("room")}
        self.rooms = {room.pk: room for room in rooms_to_choose(chosen=named)} if named else {}

    def context(self) -> dict[str, Any]:
        return {
            "pending": [self._asked(item, others=self.pending) for item in self.pending],
            "mine": [self._asked(item, others=()) for item in self.mine],
            "answers": bool(self.pending) or self.roles.is_it_admin or bool(self.roles.managed_sites),
            "zone": self.zone,
            "now": self.now,
            "max_answer": MAX_ANSWER,
        }

    def _asked(self, approval: Approval, *, others: Sequence[Approval]) -> Asked:
        booking = approval.booking
        meetings = list(booking.occurrences.all())
        first = meetings[0]
        day = long_date(first.starts_at.astimezone(self.zone).date())
        rooms = {hold.room_id: hold.room for hold in first.room_holds.all()}
        kind, icon = _KINDS[Approval.State(approval.state)]
        is_failed = self.failed is not None and self.failed[0] == approval.pk
        return Asked(
            approval=approval,
            booking=booking,
            day=timezone.localtime(first.starts_at, timezone.get_default_timezone()).date(),
            when=f"{day}, {interval_range(first.interval, self.zone)}",
            more_dates=_more_dates(len(meetings) - 1),
            rooms=", ".join(f"{room.name} ({room.site.label})" for room in rooms.values()) or _("without a room"),
            reasons=tuple(self._reason(reason, approval) for reason in approval.reasons),
            others=tuple(self._named(other) for other in others if _meet(approval, other)),
            kind=kind,
            icon=icon,
            problem=self.failed[1] if is_failed and self.failed else "",
            typed=self.typed if is_failed else "",
        )

    def _reason(self, reason: dict[str, Any], approval: Approval) -> str:
        room = self.rooms.get(reason.get("room", 0))
        if room is None:
            return sentence(Rule(Kind.APPROVAL, 1, site_id=approval.site_id), site=approval.site.label)
        return sentence(Rule(Kind.APPROVAL, 1, room_id=room.pk), room=room.name)

    def _named(self, other: Approval) -> str:
        first = other.booking.occurrences.all()[0]
        times = interval_range(first.interval, self.zone)
        return _("“%(title)s” (%(person)s), %(times)s") % {
            "title": other.booking.title,
            "person": other.booking.organizer,
            "times": times,
        }


def _more_dates(count: int) -> str:
    if not count:
        return ""
    text = ngettext("and %(count)d more meeting of the series", "and %(count)d more meetings of the series", count)
    return text % {"count": count}


def _meet(one: Approval, other: Approval) -> bool:
    """Say whether two requests, of different sessions at one site, have meetings at the same time."""
    if one.booking_id == other.booking_id or one.site_id != other.site_id:
        return False
    mine = [item.interval for item in one.booking.occurrences.all()]
    return any(item.interval.overlaps(interval) for item in other.booking.occurrences.all() for interval in mine)
