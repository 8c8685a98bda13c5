"""Puts the search for a room together: what is free, on how many dates, and where one click leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from accounts.models import User
from bookings.availability import search
from bookings.availability.search import FreeRoom, RoomFilter
from bookings.forms import new_submission
from bookings.views import booking_draft, finding_people
from bookings.views.board_cells import equipment_name, seats_in_words
from bookings.views.finding_form import WEEKLY, FindForm, Slots
from bookings.wording import clock, day_and_month, long_date, short_date, time_range
from rooms import hours, queries
from rooms.interval import Interval
from rooms.models import Room, Site
from rooms.permissions import SiteRoles
from rooms.rules import Kind, RuleBook

#: Minutes of a session that begins at once.
QUICK = 30
_QUICK_ROOMS = 4
_COMMON = 8
_MOST_ROOMS = 20


@dataclass(frozen=True, slots=True)
class FoundRoom:
    """A room with what is known of it. `taken`: the dates on which it is not free, in words."""

    room: Room
    facts: str
    kind: str
    icon: str
    state: str
    taken: tuple[str, ...]
    href: str
    is_chosen: bool
    #: A manager of the site answers first.
    is_asked_for: bool


@dataclass(frozen=True, slots=True)
class CommonTime:
    text: str
    href: str


class FindPage:
    """Everything that the page of the search draws. `quick_refusals`: why a room could not be had at once."""

    def __init__(self, query: QueryDict, user: User, now: datetime, quick_refusals: Sequence[str] = ()) -> None:
        self.user, self.now, self.quick_refusals = user, now, quick_refusals
        self.roles = SiteRoles.of(user)
        self.zone = timezone.get_default_timezone()
        self.sites = queries.sites()
        equipment = queries.filter_equipment()
        self.equipment = [item for item in equipment if item.code != search.STEP_FREE]
        self.data = _opened(query, user=user, now=now)
        self.people = finding_people.pressed(self.data)
        self.form = FindForm(self.data, now=now, zone=self.zone, sites=self.sites, equipment=self.equipment)
        self.form.is_valid()
        if self.people.unread:
            words = _("Nobody in the office is found for “%(text)s”. Try another part of the name.")
            self.form.add_error("participants", words % {"text": self.people.unread})

    @property
    def slots(self) -> Slots | None:
        return self.form.slots if not self.form.errors else None

    @cached_property
    def chosen(self) -> list[Room]:
        """The rooms ticked for a common time, in the order of lists."""
        wanted = set(self.form.cleaned_data.get("rooms", ())[:_MOST_ROOMS])
        return [room for room in queries.active_rooms() if room.pk in wanted] if wanted else []

    @cached_property
    def found(self) -> list[FreeRoom]:
        slots = self.slots
        if slots is None:
            return []
        wanted = self.form.cleaned_data
        site = wanted.get("site")
        filters = RoomFilter(
            site_ids=(site,) if site else (),
            seats=wanted.get("seats") or 0,
            equipment_ids=wanted.get("equipment", ()),
            step_free=wanted.get("step_free", False),
        )
        return search.free_rooms(slots.spans, by=self.user, filters=filters, now=self.now)

    def context(self) -> dict[str, Any]:
        rows = [self._row(item) for item in self.found if item.free_on]
        return {
            "data": self.data,
            "form": self.form,
            "time_fields": [self.form[name] for name in ("day", "start", "end", "repeat", "until")],
            "sites": self.sites,
            "equipment": [
                (item, equipment_name(item), str(item.pk) in self.data.getlist("equipment")) for item in self.equipment
            ],
            "is_weekly": self.data.get("repeat") == WEEKLY,
            "when_words": self._when_words(),
            "skipped_words": self._skipped_words(),
            "rows": rows,
            "taken_words": self._taken_words(len(self.found) - len(rows)),
            "chosen": self.chosen,
            "hidden_rooms": self._hidden_rooms(rows),
            "chips": self.people.chips,
            "choices": self.people.choices,
            "common": self._common(),
            "quick": self._quick(),
            "quick_refusals": self.quick_refusals,
            "submission": new_submission(self.user.pk),
        }

    def _row(self, item: FreeRoom) -> FoundRoom:
        slots = self.slots
        assert slots is not None
        room = item.room
        equipment = [equipment_name(one) for one in room.equipment.all()]
        kind, icon = ("ok", "check") if item.free_on == item.of else ("warn", "warn")
        return FoundRoom(
            room=room,
            facts=", ".join([room.site.label, seats_in_words(room.seats), *equipment]),
            kind=kind,
            icon=icon,
            state=_free_words(item),
            taken=tuple(day_and_month(slots.days[index]) for index in item.taken),
            href=self._book_url([room], slots.local_start, slots.local_end),
            is_chosen=room.pk in {chosen.pk for chosen in self.chosen},
            is_asked_for=self._is_asked_for(room),
        )

    def _is_asked_for(self, room: Room) -> bool:
        """Say whether the user would send a request for the room rather than book it."""
        rule = self._rules.binding(Kind.APPROVAL, self.roles.place_of(room))
        return rule is not None and bool(rule.value) and not self.roles.manages(room.site_id)

    @cached_property
    def _rules(self) -> RuleBook:
        return queries.booking_rules(rooms=None, user_ids={self.user.pk}, on=self.form.today)

    def _book_url(self, rooms: Sequence[Room], start: datetime, end: datetime, *, once: bool = False) -> str:
        """The booking form with everything that is known here filled in."""
        pairs = [("room", str(room.pk)) for room in rooms]
        pairs += [
            ("day", start.date().isoformat()),
            ("start", clock(start)),
            ("end", booking_draft.end_text(start, end)),
        ]
        if self.data.get("repeat") == WEEKLY and not once:
            pairs += [("repeat", WEEKLY), ("until", self.data.get("until", ""))]
        pairs += [("participants", token) for token in self.data.getlist("participants")]
        return f"{reverse('booking_new')}?{urlencode(pairs)}"

    def _when_words(self) -> str:
        slots = self.slots
        if slots is None:
            return ""
        times = time_range(slots.local_start, slots.local_end)
        if self.data.get("repeat") != WEEKLY:
            return f"{long_date(slots.days[0])}, {times}"
        count = len(slots.days)
        text = ngettext(
            "%(first)s to %(last)s every week, %(times)s: %(count)d date",
            "%(first)s to %(last)s every week, %(times)s: %(count)d dates",
            count,
        )
        days = {"first": day_and_month(slots.days[0]), "last": short_date(slots.days[-1])}
        return text % {**days, "times": times, "count": count}

    def _skipped_words(self) -> str:
        slots = self.slots
        if slots is None or not slots.skipped:
            return ""
        named = ", ".join(f"{day_and_month(day)} ({name})" for day, name in slots.skipped.items())
        return _("Left out as public holidays: %(dates)s.") % {"dates": named}

    def _taken_words(self, count: int) -> str:
        if not count:
            return ""
        text = ngettext(
            "%(count)d more room fits and is not free then.", "%(count)d more rooms fit and are not free then.", count
        )
        return text % {"count": count}

    def _hidden_rooms(self, rows: Sequence[FoundRoom]) -> list[Room]:
        """Chosen rooms that the list does not show; they stay chosen."""
        shown = {row.room.pk for row in rows}
        return [room for room in self.chosen if room.pk not in shown]

    def _common(self) -> list[CommonTime] | None:
        """Times at which the chosen rooms, a licence and the colleagues are free; None while no room is chosen."""
        if self.slots is None or not self.chosen:
            return None
        found = search.nearest_slots(
            [room.pk for room in self.chosen],
            duration=self.slots.duration,
            around=self.slots.spans[0].start_at,
            organizer_id=self.user.pk,
            user_ids=self.people.user_ids,
            by=self.user,
            now=self.now,
            limit=_COMMON,
        )
        return [self._common_time(interval) for interval in found]

    def _common_time(self, interval: Interval) -> CommonTime:
        start, end = (at.astimezone(self.zone).replace(tzinfo=None) for at in (interval.start_at, interval.end_at))
        text = f"{day_and_month(start.date())}, {time_range(start, end)}"
        return CommonTime(text, self._book_url(self.chosen, start, end, once=True))

    def _quick(self) -> dict[str, Any]:
        site_id = self.form.cleaned_data.get("site")
        home = None if site_id else queries.home_site(self.user.pk)
        site = next((site for site in self.sites if site.pk == (site_id or (home and home.pk))), None)
        found = search.free_now(site.pk if site else None, minutes=QUICK, by=self.user, now=self.now)
        until = timezone.localtime(self.now, self.zone) + timedelta(minutes=QUICK)
        rooms = [item.room for item in found if not self._is_asked_for(item.room)]
        closed = "" if rooms else self._closed_words([site] if site else self.sites)
        return {"site": site, "rooms": rooms[:_QUICK_ROOMS], "until": clock(until), "closed": closed}

    def _closed_words(self, sites: Sequence[Site]) -> str:
        """Say that no site is open for that long, and when one opens next; nothing where a room could have been had."""
        span = Interval(self.now, self.now + timedelta(minutes=QUICK))
        opening = queries.opening_hours([site.pk for site in sites])
        if not sites or any(hours.is_open(opening[site.pk], span, site.zone) for site in sites):
            return ""
        if any(
            self._rules.allows_any_hour(self.roles.place_of(room)) for room in queries.active_rooms(site_ids=opening)
        ):
            return ""
        if len(sites) == 1:
            text = _("%(site)s is closed now, or closes within %(minutes)d minutes.")
        else:
            text = _("All sites are closed now, or close within %(minutes)d minutes.")
        text %= {"site": sites[0].label, "minutes": QUICK}
        found = (hours.next_opening(opening[site.pk], self.now, site.zone) for site in sites)
        opens_at = min(filter(None, found), default=None)
        if opens_at is None:
            return text
        local = opens_at.astimezone(self.zone)
        return f"{text} " + _("By opening hours, the next opening is on %(day)s at %(time)s.") % {
            "day": long_date(local.date()),
            "time": clock(local),
        }


def _opened(query: QueryDict, *, user: User, now: datetime) -> QueryDict:
    """Return the search as the address has it; without a day, the next time at which the office is open."""
    data = query.copy()
    if "day" not in data:
        usual = booking_draft.opened(query, user_id=user.pk, now=now)
        for name in ("day", "start", "end"):
            data.setlist(name, usual.getlist(name))
    return data


def _free_words(item: FreeRoom) -> str:
    if item.of == 1:
        return pgettext("room", "free")
    return _("free on %(count)d of %(total)d") % {"count": item.free_on, "total": item.of}
