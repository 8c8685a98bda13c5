"""Reads sites, rooms, opening hours and licences, in a number of queries that does not grow with the office."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import CharField, IntegerField, Prefetch, Q, QuerySet, Value

from accounts.alphabet import sort_key
from rooms.hours import Hours
from rooms.models import (
    BookingRule,
    Equipment,
    Exemption,
    LicencePool,
    MovableEquipment,
    OpeningHours,
    Room,
    Site,
    SiteRole,
)
from rooms.rules import Kind, Rule, RuleBook, Waiver


def sites() -> list[Site]:
    """Return all sites in the order of lists: by their place, then by Polish alphabet."""
    return sorted(Site.objects.all(), key=_site_order)


def active_rooms(*, site_ids: Collection[int] | None = None) -> list[Room]:
    """Return the rooms that may be booked, with site and equipment, in the order of lists.

    `site_ids`: only rooms of these sites; None means all.
    """
    rooms = Room.objects.filter(is_active=True)
    if site_ids is not None:
        rooms = rooms.filter(site__in=site_ids)
    return in_order(with_site_and_equipment(rooms))


def rooms_to_choose(*, chosen: Collection[int]) -> list[Room]:
    """Return the rooms that may be booked and those chosen already, with site and equipment, in the order of lists."""
    return in_order(with_site_and_equipment(Room.objects.filter(Q(is_active=True) | Q(pk__in=chosen))))


def with_site_and_equipment(rooms: QuerySet[Room]) -> QuerySet[Room]:
    # Equipment in the order in which it was listed, so that icons keep their places from row to row.
    equipment = Prefetch("equipment", Equipment.objects.order_by("pk"))
    return rooms.select_related("site").prefetch_related(equipment)


def in_order(rooms: Iterable[Room]) -> list[Room]:
    """Sort rooms as lists show them: site by site, by place, then by Polish alphabet with „Sala 2” before „Sala 10”."""
    return sorted(
        rooms, key=lambda room: (_site_order(room.site), room.position, sort_key(room.name), sort_key(room.code))
    )


def _site_order(site: Site) -> tuple[int, tuple[tuple[int, int | str], ...], int]:
    return (site.position, sort_key(site.name), site.pk)


def filter_equipment() -> list[Equipment]:
    """Return the equipment that the day board offers as filters."""
    return list(Equipment.objects.filter(is_filter=True).order_by("pk"))


def movable_equipment() -> list[MovableEquipment]:
    """Return the equipment that is carried from room to room, with its site, in the order of lists; recorders last."""
    found = MovableEquipment.objects.select_related("site")
    return sorted(found, key=lambda item: (*_place_of(item), sort_key(item.name), item.pk))


def has_recorders() -> bool:
    """Say whether the office has equipment that records conferences."""
    return MovableEquipment.objects.filter(is_recorder=True).exists()


def _place_of(item: MovableEquipment) -> tuple[Any, ...]:
    return (True, ()) if item.site is None else (False, _site_order(item.site))


def opening_hours(site_ids: Collection[int]) -> dict[int, tuple[Hours, ...]]:
    """Return the opening hours of each site asked for; a site without any is closed all week."""
    found: dict[int, list[Hours]] = {site_id: [] for site_id in site_ids}
    rows = OpeningHours.objects.filter(site__in=found).order_by("weekday", "opens")
    for row in rows:
        found[row.site_id].append(Hours(row.weekday, row.opens, row.closes))
    return {site_id: tuple(hours) for site_id, hours in found.items()}


def default_pool() -> LicencePool | None:
    """Return the pool that sessions take their licence from, or None where the office has none."""
    return LicencePool.objects.filter(is_default=True).first()


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which `day` begins in `zone`, in UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def home_site(user_id: int) -> Site | None:
    """Return the site that a user belongs to: the first in lists of those where they have a role, or None."""
    return min(Site.objects.filter(roles__user=user_id), key=_site_order, default=None)


def lone_sites(user_ids: Collection[int]) -> dict[int, int]:
    """Return by user the site at which they have a role, of those users who have one at one site alone: one query."""
    found: dict[int, list[int]] = {}
    for user_id, site_id in SiteRole.objects.filter(user__in=user_ids).values_list("user", "site"):
        found.setdefault(user_id, []).append(site_id)
    return {user_id: sites[0] for user_id, sites in found.items() if len(sites) == 1}


def booking_rules(*, rooms: Collection[Room] | None, user_ids: Collection[int], on: date) -> RuleBook:
    """Return the rules that can bind in `rooms` (None: all there are) and the users' exemptions: one query.

    `user_ids`: who asks and who organizes; an exemption of either counts. `on`: the day of asking, at the office.
    """
    rules = BookingRule.objects.all()
    if rooms is not None:
        office = Q(room=None, site=None)
        rules = rules.filter(
            office | Q(room__in=[room.pk for room in rooms]) | Q(site__in={room.site_id for room in rooms})
        )
    exemptions = Exemption.objects.filter(user__in=set(user_ids), valid_from__lte=on, valid_to__gte=on)
    columns = ("is_rule", "pk", "kind", "value", "site_id", "room_id", "role")
    nothing = Value(None, output_field=IntegerField())
    rows = (
        rules.annotate(is_rule=Value(1))
        .values_list(*columns)
        .union(
            exemptions.annotate(
                is_rule=Value(0), value=Value(0), room_id=nothing, role=Value("", output_field=CharField())
            ).values_list(*columns),
            all=True,
        )
    )
    found = list(rows)
    return RuleBook(
        rules=tuple(Rule(Kind(row[2]), row[3], row[4], row[5], row[6], row[1]) for row in found if row[0]),
        waivers=tuple(Waiver(row[1], Kind(row[2]), row[4]) for row in found if not row[0]),
    )


def as_rule(row: BookingRule) -> Rule:
    return Rule(Kind(row.kind), row.value, row.site_id, row.room_id, row.role, row.pk)


def listed_rules() -> list[BookingRule]:
    """Return every rule with its site and room, for people to read: the office's own, then site by site, room by room.

    One query.
    """
    found = BookingRule.objects.select_related("site", "room__site")
    kinds = [kind.value for kind in Kind]

    def order(rule: BookingRule) -> tuple[object, ...]:
        site = rule.site or (rule.room.site if rule.room else None)
        room = (rule.room.position, sort_key(rule.room.name)) if rule.room else (-1, ())
        return (_site_order(site) if site else (-1, (), 0), room, kinds.index(rule.kind), rule.role)

    return sorted(found, key=order)
