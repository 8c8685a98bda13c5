"""What a series in the form would become: its dates judged, those that need a decision, and a proposal for each.

The series is judged twice: as it is, which gives the dates that need a decision and their ways out, and with what was
chosen or is proposed, which is what would be booked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.availability import Assessment, PlannedMeeting
from bookings.availability.search import FreeRoom
from bookings.forms import basis_of
from bookings.rules import BookingRequest, Code, Decision, Fix, Refusal, Series, Why
from bookings.series_form import Choice
from bookings.series_tally import AS_USUAL, Difference, Rooms, Tally, Time, compare_rooms, compare_time
from bookings.series_words import (
    day_of_year,
    first_and_last,
    left_out,
    listed,
    own_meetings,
    sentence,
    short_months,
)
from bookings.views.booking_series_rows import Option, Row, Trouble
from bookings.views.booking_tracks import Offer
from bookings.wording import day_and_month, fix_text, refusal_text, short_date, time_range

if TYPE_CHECKING:
    from bookings.views.booking_page import Page

#: What one date can be spared by leaving it out, or by another room or time.
DECIDABLE = {
    Code.ROOM_TAKEN,
    Code.ROOM_CLOSED,
    Code.SITE_CLOSED,
    Code.LICENCE_NONE_FREE,
    Code.EQUIPMENT_NONE_FREE,
    Code.NO_SUCH_TIME,
    Code.TWICE_THAT_TIME,
    Code.DATES_OUT_OF_ORDER,
}
_ROOM_OPTIONS, _TIME_OPTIONS = 2, 3
_CLEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Tick:
    """A date with a box beside it."""

    value: str
    label: str
    is_set: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`request`: with what is chosen or proposed. `usual`: the series judged as it is; `assessment`: as it would be.

    `refusals`: those of no single date, and those that what is chosen runs into, without ways out.
    """

    request: BookingRequest
    usual: Assessment
    usual_refusals: tuple[Refusal, ...]
    assessment: Assessment
    rows: tuple[Row, ...]
    refusals: tuple[Refusal, ...]

    @property
    def series(self) -> Series:
        assert self.request.series is not None
        return self.request.series

    @property
    def tally(self) -> Tally:
        differences = [self._difference(meeting) for meeting in self.assessment.meetings]
        return Tally.of(differences, self.assessment.skipped)

    def _difference(self, meeting: PlannedMeeting) -> Difference:
        if not (meeting.has_own_time or meeting.has_own_rooms):
            return AS_USUAL
        rooms = [room.pk for room in meeting.rooms]
        return Difference(
            compare_time(meeting.on, meeting.local_start.date()) if meeting.has_own_time else Time.AS_USUAL,
            compare_rooms(rooms, self.request.room_ids) if meeting.has_own_rooms else Rooms.AS_USUAL,
        )

    @property
    def basis(self) -> str:
        return basis_of(self.request)

    @property
    def agreed(self) -> str:
        """What the form carries as the dates that its user was shown a meeting on."""
        return ",".join(meeting.on.isoformat() for meeting in self.assessment.meetings)

    @property
    def words(self) -> str:
        request = self.request
        return sentence(
            self.series.pattern, local_start=request.local_start, local_end=request.local_end, tally=self.tally
        )

    @property
    def details(self) -> list[str]:
        meetings = self.assessment.meetings
        found = [first_and_last(meetings[0].on, meetings[-1].on)] if meetings else []
        return [text for text in [*found, left_out(self.assessment.skipped), short_months(self.series.pattern)] if text]

    @property
    def left_out_anyway(self) -> list[Tick]:
        """The dates without a meeting of which one could be held all the same, and those of which it was said so."""
        names = {item.on: item.name for item in self.usual.skipped if item.why != Why.CHOSEN}
        kept = {item.on: "" for item in self.series.decisions if item.kind == "change" and not _differs(item)}
        return [
            Tick(on.isoformat(), self._label(on), on in kept, name) for on, name in sorted({**names, **kept}.items())
        ]

    @property
    def held(self) -> list[Tick]:
        """The dates with a meeting, and those left out by choice; without those that need a decision."""
        asked = {row.on for row in self.rows} | {date.fromisoformat(tick.value) for tick in self.left_out_anyway}
        chosen = {item.on for item in self.usual.skipped if item.why == Why.CHOSEN}
        held = {meeting.on for meeting in self.usual.meetings} | chosen
        return [Tick(on.isoformat(), self._label(on), on in chosen) for on in sorted(held - asked)]

    def _label(self, on: date) -> str:
        return _day_label(on, self.assessment.dates)

    @property
    def rest_words(self) -> str:
        """„Pozostałe 25 spotkań jest wolnych, 2 święta pomijamy.”"""
        free = len(self.usual.meetings) - len(self.rows)
        words = ngettext("The other %(count)d meeting is free.", "The other %(count)d meetings are free.", free)
        holidays = sum(item.why == Why.HOLIDAY for item in self.assessment.skipped)
        found = [words % {"count": free}] if free else []
        if holidays:
            text = ngettext("%(count)d holiday is left out.", "%(count)d holidays are left out.", holidays)
            found.append(text % {"count": holidays})
        shut = sum(item.why == Why.WEEKDAY for item in self.assessment.skipped)
        if shut:
            text = ngettext("%(count)d non-working day is left out.", "%(count)d non-working days are left out.", shut)
            found.append(text % {"count": shut})
        return " ".join(found)

    @property
    def summary(self) -> str:
        """„25 spotkań bez zmian, 1 w innej sali, 2 o innej porze”."""
        tally = self.tally
        own, count = own_meetings(tally), tally.as_usual
        if not own:
            return ngettext("%(count)d meeting", "%(count)d meetings", count) % {"count": count}
        words = ngettext("%(count)d meeting as usual", "%(count)d meetings as usual", count) % {"count": count}
        return ", ".join([words, *own] if count else own)


def find_outcome(page: Page, request: BookingRequest) -> Outcome:
    bare = without_choices(page, request)
    series = bare.series
    assert series is not None
    explicit = series.decisions
    usual = page.judge(bare)
    refusals = page.with_fixes(usual, bare)
    by_date = _by_date(refusals)
    posted = page.form.choices() if page.draft.data.get("basis") == basis_of(request) else {}
    rows = [_row(on, by_date[on], usual, posted.get(on)) for on in sorted(by_date)]
    decisions = [row.choice.decision(row.on, request.room_ids) for row in rows]
    decided = replace(bare, series=replace(series, decisions=(*explicit, *decisions), agreed=None))
    assessment = page.judge(decided) if rows else usual
    left = assessment.refusals if rows else refusals
    failed = _by_date(left)
    return Outcome(
        request=decided,
        usual=usual,
        usual_refusals=tuple(refusals),
        assessment=assessment,
        rows=tuple(
            replace(row, refused=" ".join(refusal_text(item) for item in failed.get(row.on, ()))) for row in rows
        ),
        refusals=tuple(item for item in left if item.on not in by_date or item.code not in DECIDABLE),
    )


def without_choices(page: Page, request: BookingRequest) -> BookingRequest:
    """Return the series as it would be if nothing were in its way, whatever was chosen for dates where something is."""
    series = request.series
    assert series is not None
    stated = page.form.explicit()
    explicit = tuple(item for item in series.decisions if stated.get(item.on) == item)
    return replace(request, series=replace(series, decisions=explicit, agreed=None))


def find_swaps(outcome: Outcome, free: Sequence[FreeRoom]) -> list[Offer]:
    """Return rooms to take for the whole series in place of one that is taken on half of its dates or more."""
    taken = Counter(item.room_id for item in outcome.usual_refusals if item.code == Code.ROOM_TAKEN)
    rooms = {room.pk: room for room in outcome.usual.rooms}
    found = []
    for old in (rooms[pk] for pk, count in taken.items() if pk in rooms and 2 * count >= len(outcome.usual.meetings)):
        others = [
            item.room
            for item in free
            if item.free_on == item.of and item.room.site_id == old.site_id and item.room.pk not in rooms
        ]
        for new in sorted(others, key=lambda room: (abs(room.seats - old.seats), -room.seats))[:1]:
            words = {"old": old.name, "new": new.name}
            found.append(Offer(_("Take %(new)s instead of %(old)s on all dates") % words, f"room {old.pk}:{new.pk}"))
    return found


def changed_words(agreed: frozenset[date], outcome: Outcome) -> str:
    """Say what became different since the user was shown the dates."""
    if not agreed:
        return _("Look at the dates of the series first: this is what will be booked. Then send the form once more.")
    now = {meeting.on for meeting in outcome.assessment.meetings}
    names = {item.on: item.name for item in outcome.assessment.skipped}
    gone = [f"{day_of_year(on)} ({names[on]})" if names.get(on) else day_of_year(on) for on in sorted(agreed - now)]
    come = [day_of_year(on) for on in sorted(now - agreed)]
    found = [_("The dates have changed since you looked.")]
    if gone:
        found.append(_("No meeting any more: %(days)s.") % {"days": _few(gone)})
    if come:
        found.append(_("A meeting now: %(days)s.") % {"days": _few(come)})
    found.append(_("Nothing is booked yet: look at the dates and send the form once more."))
    return " ".join(found)


def undecided_words(refusals: Iterable[Refusal]) -> str:
    """Name the dates that the save has refused."""
    days = sorted({refusal.on for refusal in refusals if refusal.on is not None})
    words = ngettext(
        "%(count)d date needs a decision: %(days)s.", "%(count)d dates need a decision: %(days)s.", len(days)
    )
    return words % {"count": len(days), "days": _few([day_and_month(day) for day in days])}


def not_waiting_words(on: date, refusals: Iterable[Refusal]) -> str:
    """Say of a date that was left out why nobody waits for it: what is in the way would not come free."""
    text = _("You are not on the waiting list for %(day)s, and the series has no meeting then. %(reason)s")
    reason = " ".join(refusal_text(replace(item, on=None)) for item in refusals)
    return text % {"day": short_date(on), "reason": reason}


def _day_label(on: date, dates: Sequence[date]) -> str:
    """Return the day, with its year where the series has a day of that name twice."""
    is_clear = not dates or (dates[-1] - dates[0]).days < _CLEAR_DAYS
    return day_and_month(on) if is_clear else short_date(on)


def _differs(decision: Decision) -> bool:
    return decision.local_start is not None or decision.room_ids is not None


def _few(words: Sequence[str]) -> str:
    if len(words) <= 6:
        return listed(words)
    return listed([*words[:5], _("%(count)d more") % {"count": len(words) - 5}])


def _by_date(refusals: Iterable[Refusal]) -> dict[date, list[Refusal]]:
    found: dict[date, list[Refusal]] = {}
    for refusal in refusals:
        if refusal.on is not None and refusal.code in DECIDABLE:
            found.setdefault(refusal.on, []).append(refusal)
    return found


def _row(on: date, refusals: Sequence[Refusal], usual: Assessment, posted: Choice | None) -> Row:
    meeting = next((item for item in usual.meetings if item.on == on), None)
    options = _options(on, refusals, {room.pk for room in meeting.rooms} if meeting else set())
    if posted is not None and posted.value not in {option.value for option in options}:
        options.insert(0, Option(posted, _posted_label(posted, on)))
    value = posted.value if posted is not None else options[0].value
    return Row(
        on=on,
        day=_day_label(on, usual.dates),
        times=time_range(meeting.local_start, meeting.local_end) if meeting else "",
        troubles=_troubles(refusals),
        options=tuple(replace(option, is_chosen=option.value == value) for option in options),
    )


def _options(on: date, refusals: Sequence[Refusal], room_ids: Collection[int]) -> list[Option]:
    """Return what can be chosen; the first is the proposal.

    `room_ids`: of the meeting. To do without all of them comes after leaving out: it can be chosen, never proposed.
    """
    lost, fewer = _fewer_rooms(refusals)
    has_rooms_left = bool(set(room_ids) - lost)
    others = [*_other_rooms(refusals), *(fewer if has_rooms_left else ()), *_other_times(on, refusals)]
    found = {option.value: option for option in others}
    left_out = [Option(Choice(), _("Leave out this date"))]
    if any(fix.kind == "waitlist" for item in refusals for fix in item.fixes):
        left_out.append(Option(Choice(waits=True), _("Leave out and wait until it is free")))
    return [*found.values(), *left_out, *(() if has_rooms_left else fewer)]


def _other_rooms(refusals: Sequence[Refusal]) -> list[Option]:
    """Return rooms to take instead: each refused room needs one, and nothing else may be in the way."""
    offered = {item.room_id: [fix for fix in item.fixes if fix.kind == "room"] for item in refusals}
    found = []
    if None not in offered and all(offered.values()):
        for fixes in islice(zip(*offered.values(), strict=False), _ROOM_OPTIONS):
            new = [fix.room_id or 0 for fix in fixes]
            if len(set(new)) == len(new):
                pairs = tuple(zip([room_id or 0 for room_id in offered], new, strict=True))
                found.append(Option(Choice(rooms=pairs), _rooms_label(fixes)))
    return found


def _fewer_rooms(refusals: Sequence[Refusal]) -> tuple[set[int], list[Option]]:
    """Return the refused rooms that can be done without, and that as a choice where nothing else is in the way."""
    lost = {item.room_id for item in refusals if any(fix.kind == "split" for fix in item.fixes)}
    ids = {room_id for room_id in lost if room_id is not None}
    if not ids or {item.room_id for item in refusals} != ids:
        return ids, []
    names = listed(list(dict.fromkeys(item.room_name for item in refusals)))
    choice = Choice(rooms=tuple((room_id, 0) for room_id in ids))
    return ids, [Option(choice, _("Without %(room)s") % {"room": names})]


def _rooms_label(fixes: Sequence[Fix]) -> str:
    return listed([fix_text(fix, asked_on=date.min) for fix in fixes])


def _other_times(on: date, refusals: Sequence[Refusal]) -> list[Option]:
    """Return the times at which everything is free: each was checked for all rooms and a licence together."""
    fixes = dict.fromkeys(fix for item in refusals for fix in item.fixes if fix.kind in {"time", "shorter"})
    return [
        Option(Choice(start=fix.local_start, end=fix.local_end), fix_text(fix, asked_on=on))
        for fix in islice(fixes, _TIME_OPTIONS)
    ]


def _posted_label(posted: Choice, on: date) -> str:
    if posted.start is not None and posted.end is not None:
        return fix_text(Fix("time", local_start=posted.start, local_end=posted.end), asked_on=on)
    if posted.is_skip:
        return _("Leave out and wait until it is free")
    if not any(new for _old, new in posted.rooms):
        return _("Fewer rooms, as chosen before")
    return _("Another room, as chosen before")


def _troubles(refusals: Sequence[Refusal]) -> tuple[Trouble, ...]:
    """Return what is in the way; a session that takes several of the rooms stands there once.

    Two closed ones of which nothing may be known could be different ones.
    """
    by_session: dict[object, list[Refusal]] = {}
    for item in refusals:
        holder = item.holder
        is_known = holder is not None and bool(holder.title) and holder.kind in {"session", "request"}
        key = (holder, item.interval) if item.code == Code.ROOM_TAKEN and is_known else id(item)
        by_session.setdefault(key, []).append(item)
    return tuple(_trouble(first, others) for first, *others in by_session.values())


def _trouble(refusal: Refusal, others: Sequence[Refusal]) -> Trouble:
    """`others`: the same session in other rooms."""
    words = {
        Code.ROOM_TAKEN: ("danger", "x", pgettext("date of a series", "room taken")),
        Code.ROOM_CLOSED: ("warn", "clock", pgettext("date of a series", "room closed")),
        Code.SITE_CLOSED: ("warn", "clock", pgettext("date of a series", "site closed")),
        Code.LICENCE_NONE_FREE: ("warn", "key", pgettext("date of a series", "no licence")),
        Code.EQUIPMENT_NONE_FREE: ("warn", "x", pgettext("date of a series", "no equipment")),
    }
    kind, icon, word = words.get(refusal.code, ("warn", "clock", pgettext("date of a series", "time")))
    text = _short(refusal)
    if others:
        rooms = {"rooms": ", ".join(item.room_name for item in others)}
        text += " " + _("The same session is also in: %(rooms)s.") % rooms
    return Trouble(kind, icon, word, text)


def _short(refusal: Refusal) -> str:
    """Return the sentence without names and telephones: those stand beside the date that is looked at."""
    return refusal_text(replace(refusal, data={**refusal.data, "holders": (), "idle": ()}))
