"""The rooms of the booking form as cards, site by site, with what is known about them at the time asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, npgettext, pgettext

from accounts.alphabet import folded
from bookings.availability.picture import Picture, RoomState
from bookings.availability.search import FreeRoom
from bookings.series_words import day_of_year
from bookings.views.board_cells import equipment_name, seats_in_words
from bookings.views.booking_tracks import local
from bookings.wording import clock, day_and_month
from rooms.models import Room, Site
from rooms.permissions import SiteRoles


@dataclass(frozen=True, slots=True)
class Card:
    """`reason`: why the room cannot be ticked. `kind`, `icon`, `state`: the tag that says whether it is free."""

    room: Room
    facts: str
    is_chosen: bool
    hosts: bool
    reason: str
    kind: str
    icon: str
    state: str
    #: For the search on the page: lower case, without accents.
    haystack: str


@dataclass(frozen=True, slots=True)
class SiteBlock:
    site: Site
    cards: tuple[Card, ...]


def blocks(
    rooms: Sequence[Room],
    chosen: Sequence[int],
    states: Mapping[int, tuple[str, str, str]],
    roles: SiteRoles,
    keeps: Collection[int],
) -> list[SiteBlock]:
    """Return the cards by site. `states`: kind, icon and words of each room's tag, where something is known.

    `keeps`: rooms that the booking has already; they may stay, whoever may book them.
    """
    by_site: dict[int, list[Card]] = {}
    sites = {room.site_id: room.site for room in rooms}
    for room in rooms:
        may_ask = room.pk in keeps or roles.may_ask(room)
        needs_approval = may_ask and room.pk not in keeps and not roles.may_book(room)
        state = states.get(room.pk, ("", "", ""))
        card = _card(room, state, chosen=chosen, may_ask=may_ask, needs_approval=needs_approval)
        by_site.setdefault(room.site_id, []).append(card)
    return [SiteBlock(sites[pk], tuple(cards)) for pk, cards in by_site.items()]


def chosen_words(rooms: Sequence[Room]) -> str:
    """„3 sale w 2 miejscach, razem 40 miejsc”."""
    if not rooms:
        return pgettext("rooms", "none")
    count, sites = len(rooms), len({room.site_id for room in rooms})
    seats = sum(room.seats for room in rooms)
    return _("%(rooms)s at %(sites)s, %(seats)s in all") % {
        "rooms": ngettext("%(count)d room", "%(count)d rooms", count) % {"count": count},
        "sites": npgettext("at so many", "%(count)d site", "%(count)d sites", sites) % {"count": sites},
        "seats": seats_in_words(seats),
    }


def seats_warning(people: int, seats: int) -> str:
    """Warn, not refuse: part of the people may join from elsewhere."""
    if people <= seats:
        return ""
    invited = ngettext("%(count)d person is invited", "%(count)d people are invited", people) % {"count": people}
    return _("%(invited)s, and the rooms have %(seats)s. The others can join from their own desks.") % {
        "invited": invited,
        "seats": seats_in_words(seats),
    }


def states_in_picture(picture: Picture | None, *, time_zone: str) -> dict[int, tuple[str, str, str]]:
    if picture is None:
        return {}
    return {pk: state_words(state, picture, time_zone=time_zone) for pk, state in picture.states.items()}


def states_in_series(
    found: Iterable[FreeRoom], taken_on: Mapping[int, Collection[date]]
) -> dict[int, tuple[str, str, str]]:
    """Return on how many dates each room is free: „wolna 25 z 28”. `taken_on`: the dates in the way of chosen ones."""
    states = {}
    for item in found:
        dates = taken_on.get(item.room.pk, ())
        if len(dates) == 1:
            day = {"day": day_of_year(next(iter(dates)))}
            states[item.room.pk] = ("danger", "x", pgettext("room", "taken on %(day)s") % day)
            continue
        words = pgettext("room", "free on %(count)d of %(all)d") % {"count": item.free_on, "all": item.of}
        kind, icon = ("ok", "check") if item.free_on == item.of else ("warn", "warn")
        states[item.room.pk] = (kind, icon, words) if item.free_on else ("danger", "x", words)
    return states


def state_words(state: RoomState, picture: Picture, *, time_zone: str) -> tuple[str, str, str]:
    """Return kind, icon and words of a room's tag."""
    if not state.is_open:
        return "warn", "clock", _("site closed then")
    if state.free_at is None:
        return "ok", "check", pgettext("room", "free")
    until = local(state.free_at, time_zone)
    # Also over midnight it says when: the day stands beside the time.
    day = "" if until.date() == local(picture.window.start_at, time_zone).date() else f"{day_and_month(until.date())}, "
    words = pgettext("room", "closed until %(time)s") if state.is_closed else _("taken until %(time)s")
    return "danger", "x", words % {"time": day + clock(until)}


def _card(
    room: Room, state: tuple[str, str, str], *, chosen: Sequence[int], may_ask: bool, needs_approval: bool
) -> Card:
    equipment = [equipment_name(item) for item in room.equipment.all()]
    notes = [_("booked once a manager agrees")] if needs_approval else []
    facts = ", ".join([seats_in_words(room.seats), *equipment, *notes])
    kind, icon, words = state
    return Card(
        room=room,
        facts=facts,
        is_chosen=room.pk in chosen,
        hosts=bool(chosen) and chosen[0] == room.pk,
        reason="" if may_ask else _reason(room),
        kind=kind,
        icon=icon,
        state=words,
        haystack=folded(" ".join([room.name, room.code, room.site.name, room.site.city, *equipment])),
    )


def _reason(room: Room) -> str:
    if not room.is_active:
        return _("can't be booked at present")
    if room.site.phone:
        return _("booked by the site's managers, tel. %(phone)s") % {"phone": room.site.phone}
    return _("booked by the site's managers")
