"""Puts the pages of closures together: the list in words, and the sessions that a new closure hits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User
from bookings import recurrence, services
from bookings.closure_times import ClosureDraft
from bookings.impact import Hit
from bookings.series_words import rhythm
from bookings.services import Closed, ClosureDecision
from bookings.views.closure_form import ClosureForm
from bookings.wording import day_and_month, interval_range, long_date, short_date, time_range
from rooms import queries
from rooms.models import Closure, MovableEquipment, Site
from rooms.permissions import SiteRoles

_MOST_DIGITS = 18  # a bigint holds any of these


@dataclass(frozen=True, slots=True)
class Listed:
    closure: Closure
    what: str
    where: str
    when: str
    again: str
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    detail: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class HitRow:
    """A session in the way, as a card with radios. `name`: of the radios."""

    hit: Hit
    name: str
    when: str
    rooms: str
    choices: tuple[Choice, ...]


def listed(closures: Iterable[Closure]) -> list[Listed]:
    return [_listed(closure) for closure in closures]


class ClosurePage:
    """The form of a new closure, and after `look` what it hits."""

    def __init__(self, user: User, now: datetime, posted: QueryDict | None, query: QueryDict) -> None:
        self.user, self.now, self.posted = user, now, posted
        roles = SiteRoles.of(user)
        sites = [site for site in queries.sites() if roles.manages(site.pk)]
        ids = [site.pk for site in sites]
        equipment = MovableEquipment.objects.filter(site__in=ids).order_by("name", "pk")
        self.form = ClosureForm(
            posted if posted is not None else None,
            today=timezone.localdate(now),
            sites=sites,
            rooms=queries.active_rooms(site_ids=ids),
            equipment=list(equipment),
            initial={"what": query.get("what", ""), "first": query.get("day", ""), "kind": Closure.Kind.CLOSURE},
        )
        self.hits: tuple[Hit, ...] | None = None
        self.problems: list[str] = []

    @property
    def draft(self) -> ClosureDraft:
        return self.form.draft()

    def look(self) -> None:
        """Find out what the closure hits. Raises: services.Refused, services.NotAllowed."""
        self.hits = services.find_impact(self.draft, by=self.user, now=self.now).hits

    def refused(self, problems: list[str]) -> None:
        """Show why, and what the closure hits by now, where that can be said."""
        self.problems = problems
        try:
            self.look()
        except services.Refused:
            self.hits = None

    def close(self) -> Closed:
        """Close, and do with each session what was chosen. Raises: services.Refused, services.NotAllowed."""
        seen, chosen = self._seen(), self._decisions()
        targets = {pk: self.posted.get(f"target-{pk}", "") for pk in seen} if self.posted else {}
        return services.close(self.draft, by=self.user, now=self.now, decisions=chosen, seen=seen, targets=targets)

    def _seen(self) -> frozenset[int]:
        """The sessions that the user was shown."""
        assert self.posted is not None
        return frozenset(
            int(text)
            for text in self.posted.getlist("seen")
            if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        )

    def _decisions(self) -> dict[int, ClosureDecision]:
        """What the user chose for each session shown; anything unreadable is left to the organizer."""
        assert self.posted is not None
        found = {}
        for pk in self._seen():
            value = self.posted.get(f"decision-{pk}", "")
            known = value in {item.value for item in ClosureDecision}
            found[pk] = ClosureDecision(value) if known else ClosureDecision.LEAVE
        return found

    def context(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "time_fields": [self.form[name] for name in ("first", "start", "last", "end")],
            "again_fields": [self.form[name] for name in ("repeat", "until")],
            "rows": None if self.hits is None else [self._row(hit) for hit in self.hits],
            "problems": self.problems,
        }

    def _row(self, hit: Hit) -> HitRow:
        occurrence = hit.occurrence
        zone = occurrence.booking.zone
        name = f"decision-{occurrence.pk}"
        day = long_date(occurrence.starts_at.astimezone(zone).date())
        return HitRow(
            hit=hit,
            name=name,
            when=f"{day}, {interval_range(occurrence.interval, zone)}",
            rooms=", ".join(room.name for room in hit.rooms),
            choices=tuple(self._choices(hit, self.posted.get(name, "") if self.posted else "")),
        )

    def _choices(self, hit: Hit, chosen: str) -> Sequence[Choice]:
        found = []
        if hit.other_room is not None:
            detail = f"{hit.other_room.name}, {hit.other_room.site.label}"
            found.append((ClosureDecision.ROOM, _("another room"), detail))
        if hit.other_time is not None:
            start, end = hit.other_time
            detail = f"{day_and_month(start.date())}, {time_range(start, end)}"
            found.append((ClosureDecision.TIME, _("another time"), detail))
        found.append(
            (
                ClosureDecision.LEAVE,
                _("leave it to the organiser"),
                _("they get a mail; until they decide the room stays theirs"),
            )
        )
        found.append((ClosureDecision.CANCEL, _("cancel"), _("everybody invited gets a cancellation")))
        values = [value for value, _label, _detail in found]
        picked = chosen if chosen in values else values[0]
        return [Choice(value, label, detail, value == picked) for value, label, detail in found]


def _listed(closure: Closure) -> Listed:
    what, site = _what(closure)
    start, end = datetime.fromisoformat(closure.local_start), datetime.fromisoformat(closure.local_end)
    english = get_language() == "en" and closure.title_en
    return Listed(
        closure=closure,
        what=what,
        where=site.label,
        when=_when(start, end),
        again=_again(closure, site),
        reason=closure.title_en if english else closure.title,
    )


def _what(closure: Closure) -> tuple[str, Site]:
    if closure.room:
        return closure.room.name, closure.room.site
    if closure.equipment and closure.equipment.site:
        name = closure.equipment.name_en if get_language() == "en" and closure.equipment.name_en else ""
        return f"{name or closure.equipment.name} ×{closure.quantity}", closure.equipment.site
    assert closure.site is not None, "the database knows what is closed"
    return _("the whole site"), closure.site


def _when(start: datetime, end: datetime) -> str:
    """„pon. 7 gru 2026 – wt. 8 gru 2026”, whole days; „pon. 7 gru 2026, 13:00–16:00”."""
    midnight = datetime.min.time()
    if start.time() == midnight and end.time() == midnight:
        last = end.date().fromordinal(end.date().toordinal() - 1)
        return short_date(start.date()) if last == start.date() else f"{short_date(start.date())} – {short_date(last)}"
    return f"{short_date(start.date())}, {time_range(start, end)}"


def _again(closure: Closure, site: Site) -> str:
    """„co czwartek do czw. 28 sty 2027”; empty for a closure that happens once."""
    if not closure.rrule:
        return ""
    pattern = recurrence.parse(closure.rrule, zone=site.zone)
    words = rhythm(pattern)
    if pattern.until is None:
        return words
    return _("%(every)s until %(day)s") % {"every": words, "day": short_date(pattern.until)}
