"""Judges a time against what is known: closed sites, taken rooms, no licence. Asks the database nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from accounts.models import User
from bookings.availability.facts import Facts, HeldRoom
from bookings.availability.seating import Short
from bookings.rules import Code, Holder, Refusal
from rooms import hours
from rooms.interval import Interval
from rooms.models import Room
from rooms.permissions import SiteRoles


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf a question is asked: decides what the answer may name."""

    user: User
    roles: SiteRoles

    def is_insider(self, hold: HeldRoom, room: Room) -> bool:
        return self.user.pk in {hold.organizer_id, hold.created_by_id} or self.roles.manages(room.site_id)


def is_open(room: Room, interval: Interval, facts: Facts, roles: SiteRoles) -> bool:
    """Say whether the room's site is open then, or a rule lets the asker past its hours."""
    if hours.is_open(facts.hours.get(room.site_id, ()), interval, room.site.zone):
        return True
    return facts.rule_book.allows_any_hour(roles.place_of(room))


def never_opens(day: date, rooms: Sequence[Room], facts: Facts, roles: SiteRoles) -> bool:
    """Say whether every site of the rooms is closed on each such weekday, and no rule lets the asker past that.

    A site that never opens at all does not count: that is said of every date.
    """
    return bool(rooms) and all(
        days and day.weekday() not in days and not facts.rule_book.allows_any_hour(roles.place_of(room))
        for room in rooms
        for days in [{item.weekday for item in facts.hours.get(room.site_id, ())}]
    )


def find_closed_sites(
    interval: Interval, rooms: Iterable[Room], facts: Facts, roles: SiteRoles, *, on: date | None = None
) -> list[Refusal]:
    """Return a refusal for each site that is not open during the whole interval."""
    found: dict[int, Refusal] = {}
    for room in rooms:
        if room.site_id in found or is_open(room, interval, facts, roles):
            continue
        site = room.site
        day = interval.start_at.astimezone(site.zone).date()
        data = {
            "site": site.name,
            "day": day,
            "zone": site.time_zone,
            "open": hours.open_on(facts.hours.get(site.pk, ()), day, site.zone),
        }
        found[site.pk] = Refusal(Code.SITE_CLOSED, "start", interval=interval, data=data, on=on)
    return list(found.values())


def holds_in_the_way(interval: Interval, facts: Facts, room: Room) -> list[HeldRoom]:
    """Return what of the loaded holds holds the room during the interval, set-up and clearing of both included."""
    wanted = interval.widened(before=room.setup, after=room.clearing)
    return [hold for hold in facts.holds.get(room.pk, ()) if hold.interval.overlaps(wanted)]


def holder_of(hold: HeldRoom, room: Room, asker: Asker) -> Holder:
    """Name who holds the room as far as the asker may know: of a closed session, only that there is one."""
    if hold.is_private and not asker.is_insider(hold, room):
        return Holder(is_private=True, kind=hold.kind)
    return Holder(hold.title, hold.organizer_name, hold.organizer_phone, hold.is_private, hold.kind, hold.until)


def taken(room: Room, hold: HeldRoom, asker: Asker, *, on: date | None = None) -> Refusal:
    """Say what holds the room: a closure, or somebody."""
    return Refusal(
        Code.ROOM_CLOSED if hold.kind == "closure" else Code.ROOM_TAKEN,
        "rooms",
        room_id=room.pk,
        room_name=room.name,
        interval=hold.interval,
        holder=holder_of(hold, room, asker),
        data={"zone": room.site.time_zone},
        on=on,
    )


def licence_refusal(short: Short, facts: Facts, *, on: date | None = None) -> Refusal:
    """Say why a pool has too little: how it stood at the worst instant, and when the next seat comes free."""
    balance, terms = short.balance, facts.pools[short.pool_id]
    site_id = next(iter(short.needed), None)
    sites = {**facts.sites, **({facts.host_site.pk: facts.host_site} if facts.host_site else {})}
    data = {
        "pool": terms.pool.name,
        "pool_id": short.pool_id,
        "granted": balance.granted,
        "in_use": balance.in_use,
        "needed": short.seats,
        "at": balance.at,
        "site": sites[site_id].name if site_id in sites else "",
        "site_id": site_id,
        "zone": sites[site_id].time_zone if site_id in sites else terms.pool.time_zone,
        "site_use": balance.use_by_site.get(site_id, 0),
        "site_share": balance.share_by_site.get(site_id, 0),
        "keeps_to_share": site_id in terms.allocation.keeps_to_share,
        "frees_at": short.frees_at,
    }
    return Refusal(Code.LICENCE_NONE_FREE, "start", interval=short.span, data=data, on=on)
