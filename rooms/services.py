"""Writes sites, rooms, roles and licences. Whoever changes grants or shares does it inside `licence_changes`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Max, QuerySet

from accounts.models import User
from accounts.upsert import Tally, Upserted, upsert
from rooms.hours import Hours
from rooms.models import (
    Equipment,
    LicenceGrant,
    LicencePool,
    OpeningHours,
    Room,
    Site,
    SiteRole,
    SiteShare,
)

_SHORT = 20
#: In place of a pool's name: sessions in this room take no licence.
NO_LICENCE = "no"


@dataclass(frozen=True, slots=True)
class EquipmentFacts:
    code: str
    name: str
    name_en: str = ""
    icon: str = ""
    is_filter: bool = True


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A site with the hours of its whole week. `short_name` None: the file says nothing about it."""

    code: str
    name: str
    short_name: str | None
    street: str
    postcode: str
    city: str
    phone: str
    time_zone: str
    hours: frozenset[Hours]


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """A room; `equipment` are codes.

    `licence`: the name of the pool that its sessions need, or NO_LICENCE; None: the file says nothing about it.
    """

    site: str
    code: str
    name: str
    floor: int
    seats: int
    equipment: frozenset[str]
    setup: timedelta
    clearing: timedelta
    needs_approval: bool
    mailbox: str
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class SeatsFacts:
    """Seats from the first to the last day, both included. `site`: code of the site of a share, empty for a grant."""

    seats: int
    valid_from: date
    valid_to: date | None
    site: str = ""


@dataclass(frozen=True, slots=True)
class PoolFacts:
    name: str
    counts: str
    grants: tuple[SeatsFacts, ...]
    shares: tuple[SeatsFacts, ...] = field(default=())


def store_equipment(facts: Sequence[EquipmentFacts]) -> Tally:
    codes = [item.code for item in facts]
    stored = upsert(
        Equipment,
        existing={row.code: row for row in Equipment.objects.filter(code__in=codes)},
        wanted={
            item.code: {
                "code": item.code,
                "name": item.name,
                "name_en": item.name_en,
                "icon": item.icon,
                "is_filter": item.is_filter,
            }
            for item in facts
        },
    )
    return stored.tally()


def store_sites(facts: Sequence[SiteFacts]) -> Tally:
    """Bring sites and their opening hours into line with a checked list. New sites stand last, in the list's order."""
    last = _last_position(Site.objects.all())
    places = {item.code: last + number for number, item in enumerate(facts, start=1)}
    short_names = {item.code: _short_name(item) for item in facts}
    stored = upsert(
        Site,
        existing={row.code: row for row in Site.objects.filter(code__in=places)},
        wanted={item.code: _site_fields(item) for item in facts},
        on_creation=lambda code: {"position": places[code], "short_name": short_names[code]},
    )
    hours = {item.code: item.hours for item in facts}
    return stored.tally(also_changed=_store_opening_hours(stored.rows, hours))


def _short_name(item: SiteFacts) -> str:
    """Return the street without its number („Koszykowa 16”), or the town where the name is long."""
    name = re.sub(r"\s+\d+\w?$", "", item.name)
    return (item.city if len(name) > _SHORT and item.city else name)[:40]


def _last_position(rows: QuerySet[Any]) -> int:
    return rows.aggregate(last=Max("position"))["last"] or 0


def _site_fields(item: SiteFacts) -> dict[str, str]:
    fields = {
        "code": item.code,
        "name": item.name,
        "street": item.street,
        "postcode": item.postcode,
        "city": item.city,
        "phone": item.phone,
        "time_zone": item.time_zone,
    }
    return fields if item.short_name is None else {**fields, "short_name": item.short_name}


def _store_opening_hours(sites: Mapping[str, Site], hours: Mapping[str, frozenset[Hours]]) -> frozenset[str]:
    """Make the weeks of the sites exactly what the list says; return the codes of those that differed."""
    there: dict[int, set[Hours]] = {site.pk: set() for site in sites.values()}
    for row in OpeningHours.objects.filter(site__in=there):
        there[row.site_id].add(Hours(row.weekday, row.opens, row.closes))
    different = {code: site for code, site in sites.items() if there[site.pk] != hours[code]}
    OpeningHours.objects.filter(site__in=different.values()).delete()
    OpeningHours.objects.bulk_create(
        OpeningHours(site=site, weekday=item.weekday, opens=item.opens, closes=item.closes)
        for code, site in different.items()
        for item in sorted(hours[code], key=lambda item: (item.weekday, item.opens))
    )
    return frozenset(different)


def store_rooms(facts: Sequence[RoomFacts]) -> Tally:
    """Bring rooms and their equipment into line with a checked list; sites and equipment exist by now."""
    sites = {site.code: site.pk for site in Site.objects.filter(code__in={item.site for item in facts})}
    last = _last_position(Room.objects.all())
    places = {(item.site, item.code): last + number for number, item in enumerate(facts, start=1)}
    existing = Room.objects.filter(site__in=sites.values()).select_related("site")
    stored = upsert(
        Room,
        existing={(room.site.code, room.code): room for room in existing},
        wanted={(item.site, item.code): _room_fields(item, sites[item.site]) for item in facts},
        on_creation=lambda key: {"position": places[key]},
    )
    wanted = {stored.rows[item.site, item.code].pk: item.equipment for item in facts}
    refitted = _store_room_equipment(wanted)
    return stored.tally(also_changed=frozenset(key for key, room in stored.rows.items() if room.pk in refitted))


def store_room_pools(facts: Sequence[RoomFacts]) -> None:
    """Say from which pool sessions in the rooms take their licences, where the list says so; pools exist by now."""
    pools = dict(LicencePool.objects.values_list("name", "pk"))
    default = LicencePool.objects.filter(is_default=True).values_list("name", flat=True).first()
    for item in facts:
        if item.licence is None:
            continue
        needs = item.licence.casefold() != NO_LICENCE
        # The pool that serves sessions anyway is not named: another may take its place.
        pool_id = pools[item.licence] if needs and item.licence != default else None
        rooms = Room.objects.filter(site__code=item.site, code=item.code)
        rooms.exclude(needs_licence=needs, licence_pool=pool_id).update(needs_licence=needs, licence_pool=pool_id)


def _room_fields(item: RoomFacts, site_id: int) -> dict[str, object]:
    return {
        "site_id": site_id,
        "code": item.code,
        "name": item.name,
        "floor": item.floor,
        "seats": item.seats,
        "setup": item.setup,
        "clearing": item.clearing,
        "needs_approval": item.needs_approval,
        "mailbox": item.mailbox,
    }


def _store_room_equipment(wanted: Mapping[int, frozenset[str]]) -> frozenset[int]:
    """Give each room exactly the equipment listed; return the rooms that had other equipment."""
    pks = dict(Equipment.objects.values_list("code", "pk"))
    link = Room.equipment.through
    rows = {
        (room_id, equipment_id): pk
        for pk, room_id, equipment_id in link.objects.filter(room__in=wanted).values_list(
            "pk", "room_id", "equipment_id"
        )
    }
    target = {(room_id, pks[code]) for room_id, codes in wanted.items() for code in codes}
    surplus, missing = rows.keys() - target, target - rows.keys()
    link.objects.filter(pk__in=[rows[pair] for pair in surplus]).delete()
    link.objects.bulk_create(link(room_id=room_id, equipment_id=pk) for room_id, pk in sorted(missing))
    return frozenset(room_id for room_id, _equipment in surplus | missing)


def store_roles(users: Upserted[str, User], roles: Mapping[str, Mapping[str, str]]) -> Tally:
    """Give each user exactly the roles listed, as site code -> role by address; return the tally of the users."""
    sites = dict(Site.objects.values_list("code", "pk"))
    rows = {
        (row.user_id, row.site_id): row for row in SiteRole.objects.filter(user__in=[u.pk for u in users.rows.values()])
    }
    wanted = {
        (users.rows[email].pk, sites[code]): {"user_id": users.rows[email].pk, "site_id": sites[code], "role": role}
        for email, by_site in roles.items()
        for code, role in by_site.items()
    }
    stored = upsert(SiteRole, existing=rows, wanted=wanted)
    surplus = rows.keys() - wanted.keys()
    SiteRole.objects.filter(pk__in=[rows[pair].pk for pair in surplus]).delete()
    touched = {user_id for user_id, _site in stored.created | stored.changed | surplus}
    return users.tally(also_changed=frozenset(email for email, user in users.rows.items() if user.pk in touched))


def store_pools(facts: Sequence[PoolFacts], *, time_zone: str) -> Tally:
    """Bring pools with their grants and shares into line with a checked list, inside `licence_changes`.

    Grants are known by their first day, shares by site and first day. The first pool of an office serves sessions.
    `time_zone`: of new pools.
    """
    names = [item.name for item in facts]
    needs_default = not LicencePool.objects.filter(is_default=True).exists()
    stored = upsert(
        LicencePool,
        existing={pool.name: pool for pool in LicencePool.objects.filter(name__in=names)},
        wanted={item.name: {"name": item.name, "counts": item.counts} for item in facts},
        on_creation=lambda name: {"time_zone": time_zone, "is_default": needs_default and name == names[0]},
    )
    changed = _store_grants(stored.rows, facts) | _store_shares(stored.rows, facts)
    return stored.tally(also_changed=frozenset(name for name, pool in stored.rows.items() if pool.pk in changed))


def _store_grants(pools: Mapping[str, LicencePool], facts: Sequence[PoolFacts]) -> set[int]:
    pks = [pool.pk for pool in pools.values()]
    stored = upsert(
        LicenceGrant,
        existing={(row.pool_id, row.valid_from): row for row in LicenceGrant.objects.filter(pool__in=pks)},
        wanted={
            (pools[item.name].pk, grant.valid_from): {**_dated(grant), "pool_id": pools[item.name].pk}
            for item in facts
            for grant in item.grants
        },
    )
    return {pool_id for pool_id, _day in stored.created | stored.changed}


def _store_shares(pools: Mapping[str, LicencePool], facts: Sequence[PoolFacts]) -> set[int]:
    sites = dict(Site.objects.values_list("code", "pk"))
    pks = [pool.pk for pool in pools.values()]
    wanted = {}
    for item in facts:
        for share in item.shares:
            pool_id, site_id = pools[item.name].pk, sites[share.site]
            wanted[pool_id, site_id, share.valid_from] = {**_dated(share), "pool_id": pool_id, "site_id": site_id}
    rows = SiteShare.objects.filter(pool__in=pks)
    stored = upsert(
        SiteShare, existing={(row.pool_id, row.site_id, row.valid_from): row for row in rows}, wanted=wanted
    )
    return {pool_id for pool_id, _site, _day in stored.created | stored.changed}


def _dated(item: SeatsFacts) -> dict[str, object]:
    return {"seats": item.seats, "valid_from": item.valid_from, "valid_to": item.valid_to}
