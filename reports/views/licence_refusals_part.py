"""Refusals for lack of a licence in words: on the desk the latest ones, all of them on pages of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.models import LicenceRefusal
from bookings.wording import clock
from reports.views.licence_words import tiny_date
from rooms.models import LicencePool

Outcome = LicenceRefusal.Outcome


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """`when`: the time that was wanted. `tag`, `icon`, `outcome`: what became of it."""

    when: str
    title: str
    site: str
    seats: int
    tag: str
    icon: str
    outcome: str


def refusal_rows(refusals: Iterable[LicenceRefusal], pool: LicencePool, *, now: datetime) -> tuple[RefusalRow, ...]:
    """Put refusals into words. They come from `refusals_for`: the reader may know their titles."""
    zone = ZoneInfo(pool.time_zone)
    return tuple(_row(item, zone, now) for item in refusals)


def _row(item: LicenceRefusal, zone: ZoneInfo, now: datetime) -> RefusalRow:
    tag, icon, words = _LOOKS[Outcome(item.outcome)]
    start = item.period.lower.astimezone(zone)
    return RefusalRow(
        when=f"{_day(start, now.astimezone(zone))}, {clock(start)}",
        title=item.title or pgettext("session", "without a title"),
        site=item.site.label if item.site else pgettext("session", "no site"),
        seats=item.seats,
        tag=tag,
        icon=icon,
        outcome=_moved(item, zone) if item.outcome == Outcome.MOVED else words(),
    )


def _day(day: datetime, now: datetime) -> str:
    return tiny_date(day.date()) if day.year == now.year else f"{tiny_date(day.date())}.{day.year}"


def _moved(item: LicenceRefusal, zone: ZoneInfo) -> str:
    booked_at: datetime | None = getattr(item, "booked_at", None)
    if booked_at is None:
        return _("moved to another time")
    start = booked_at.astimezone(zone)
    if start.date() == item.period.lower.astimezone(zone).date():
        return _("moved to %(time)s") % {"time": clock(start)}
    return _("moved to %(day)s, %(time)s") % {"day": tiny_date(start.date()), "time": clock(start)}


_LOOKS: dict[Outcome, tuple[str, str, Callable[[], str]]] = {
    Outcome.OPEN: ("", "clock", lambda: pgettext("refusal", "not known yet")),
    Outcome.MOVED: ("ok", "check", lambda: _("moved to another time")),
    Outcome.BOOKED: ("ok", "check", lambda: _("booked after all")),
    Outcome.BORROWED: ("ok", "move", lambda: _("borrowed from another site")),
    Outcome.EMERGENCY: ("warn", "key", lambda: _("emergency licence")),
    Outcome.WAITING: ("", "clock", lambda: _("on the waiting list")),
    Outcome.BY_PHONE: ("", "phone", lambda: _("held by telephone")),
    Outcome.GAVE_UP: ("danger", "x", lambda: pgettext("refusal", "given up")),
}
