"""Refusals for lack of a licence in words: how the pool stands, who holds the seats, when one is free, whom to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.rules import Code, Refusal
from bookings.seats_taken import IdleSite, SeatHolder
from bookings.wording.dates import clock, day_and_month
from bookings.wording.holders import holder_text


def licence_none_free(refusal: Refusal) -> str:
    data = refusal.data
    if not data["granted"]:
        return _("The office has no licences on that day. IT can say when they are renewed.")
    parts = [_state(data), _holders(refusal), _free_again(refusal), *_whom_to_ask(data), _("Choose another time.")]
    text = " ".join(filter(None, parts))
    if data.get("has_other_pools"):
        return _("%(pool)s: %(text)s") % {"pool": data["pool"], "text": text}
    return text


def seat_holders(refusal: Refusal) -> list[str]:
    """Return what holds the seats, each in words, and last how many more; nothing for other refusals."""
    data = refusal.data
    holders: tuple[SeatHolder, ...] = data.get("holders", ()) if refusal.code == Code.LICENCE_NONE_FREE else ()
    if not holders:
        return []
    zone = ZoneInfo(data["zone"])
    day = data["at"].astimezone(zone).date()
    shown = [_holder(item, zone, day=day) for item in holders]
    if more := data.get("more", 0):
        shown.append(ngettext("and %(count)d other", "and %(count)d others", more) % {"count": more})
    return shown


def without_holders(refusal: Refusal) -> Refusal:
    """Return the refusal with a sentence that names nobody: where they stand in a list, or many refusals do."""
    return replace(refusal, data={**refusal.data, "holders": ()})


def _state(data: dict[str, Any]) -> str:
    if data["in_use"] >= data["granted"]:
        return _("Every licence is in use at that time (%(in_use)d of %(granted)d).") % data
    if data["in_use"] + data["needed"] > data["granted"]:
        return (
            _("%(in_use)d of %(granted)d licences are in use at that time, and this session needs %(needed)d.") % data
        )
    if data.get("keeps_to_share"):
        text = _(
            "%(site)s uses %(site_use)d of its share of %(site_share)d at that time, and by its own choice none that "
            "all sites share."
        )
        return text % data
    text = _("%(in_use)d of %(granted)d licences are in use at that time, and those left belong to other sites.")
    return f"{text % data} {_site_use(data)}"


def _site_use(data: dict[str, Any]) -> str:
    """Say how much of its share the site uses; what it uses beyond it comes from the reserve of all sites."""
    if not data["site"]:
        return _("The common reserve is used up.")
    over = data["site_use"] - data["site_share"]
    if over <= 0:
        return _("%(site)s uses %(site_use)d of its %(site_share)d.") % data
    values = {**data, "over": over}
    if not data["site_share"]:
        return _("%(site)s uses %(over)d of the common reserve.") % values
    return _("%(site)s uses its whole share (%(site_share)d) and %(over)d of the common reserve.") % values


def _holders(refusal: Refusal) -> str:
    shown = seat_holders(refusal)
    # Translators: what holds the licences, one after another.
    return _("In use by: %(holders)s.") % {"holders": "; ".join(shown)} if shown else ""


def _holder(item: SeatHolder, zone: ZoneInfo, *, day: date) -> str:
    kinds = {
        "unplanned": _("an unplanned conference"),
        "draft": _("a booking that somebody is filling in"),
        "cancelled": _("a session that is being cancelled"),
        "offer": _("an offer of the waiting list"),
    }
    parts = [kinds.get(item.holder.kind) or holder_text(item.holder), item.site]
    if item.seats > 1:
        parts.append(ngettext("%(count)d licence", "%(count)d licences", item.seats) % {"count": item.seats})
    until = item.until.astimezone(zone)
    ends = clock(until) if until.date() == day else f"{day_and_month(until.date())}, {clock(until)}"
    parts.append(_("until %(time)s") % {"time": ends})
    return ", ".join(filter(None, parts))


def _free_again(refusal: Refusal) -> str:
    data = refusal.data
    at: datetime | None = data.get("frees_at")
    if at is None or "at" not in data:
        return ""
    zone = ZoneInfo(data["zone"])
    local = at.astimezone(zone)
    if local.date() == data["at"].astimezone(zone).date():
        return _("The next one comes free at %(time)s.") % {"time": clock(local)}
    return _("The next one comes free on %(day)s at %(time)s.") % {
        "day": day_and_month(local.date()),
        "time": clock(local),
    }


def _whom_to_ask(data: dict[str, Any]) -> list[str]:
    """Say which sites have seats to spare that the reader can't take alone, and who could lend one."""
    idle: tuple[IdleSite, ...] = data.get("idle", ())
    return [f"{_who_may_lend(site)} {_call(site)}" for site in idle]


def _who_may_lend(site: IdleSite) -> str:
    values = {"site": site.site, "days": site.days}
    if not site.days:
        return _("%(site)s has a licence to spare, which its managers alone may lend.") % values
    return (
        ngettext(
            "%(site)s has a licence to spare, which others may borrow from %(days)d day before; its managers may lend "
            "it now.",
            "%(site)s has a licence to spare, which others may borrow from %(days)d days before; its managers may lend "
            "it now.",
            site.days,
        )
        % values
    )


def _call(site: IdleSite) -> str:
    if site.phone:
        return _("Ask them, tel. %(phone)s.") % {"phone": site.phone}
    return _("Ask one of them.")
