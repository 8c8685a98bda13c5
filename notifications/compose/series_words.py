"""Says in words what a mail about a series says: how often, the next dates, and every date that is not as usual."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from bookings import holidays, series_words, wording
from bookings.recurrence import Pattern
from bookings.series_tally import Difference, Rooms, Tally, Time, compare_rooms, compare_time
from bookings.series_words import Why
from integrations.ical.render import Rule
from notifications.compose.series import SeriesFacts, Slot, pattern_of

#: Lines of each list: a mail stays under 40 kB, and nobody reads four hundred dates.
MAX_DATES = 10
MAX_DIFFERENT = 25


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines, and how many more there would be."""

    lines: tuple[str, ...] = ()
    more: int = 0

    @classmethod
    def of(cls, lines: Iterable[str], *, limit: int) -> Listing:
        every = tuple(lines)
        # One line more instead of „and one more”.
        kept = every if len(every) <= limit + 1 else every[:limit]
        return cls(kept, len(every) - len(kept))

    @property
    def more_meetings(self) -> str:
        if not self.more:
            return ""
        return ngettext("and %(count)d more meeting", "and %(count)d more meetings", self.more) % {"count": self.more}

    @property
    def more_dates(self) -> str:
        if not self.more:
            return ""
        return ngettext("and %(count)d more date", "and %(count)d more dates", self.more) % {"count": self.more}


NO_LINES = Listing()


@dataclass(frozen=True, slots=True)
class SeriesWords:
    """A series in words, for one reader.

    `sentence`: „co czwartek 10:00–11:00 do 24 czerwca, 28 spotkań, pomija 2 święta”, by the clock of `zone`: the one
    that the series keeps, which need not be the reader's. `dates` and `different` are by the reader's, `reader_zone`.
    """

    sentence: str
    zone: str
    reader_zone: str = ""
    dates: Listing = NO_LINES
    different: Listing = NO_LINES
    last: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom the words are: `zone` of the clock on the wall there; not at the occurrences `absent`."""

    zone: ZoneInfo
    absent: Collection[int]
    now: datetime


def words_of(facts: SeriesFacts, reader: Reader) -> SeriesWords:
    mine = [slot for slot in facts.slots if slot.occurrence.pk not in reader.absent]
    ahead = [slot for slot in mine if slot.interval.end_at > reader.now]
    return SeriesWords(
        sentence=_sentence(facts, mine),
        zone=zone_name(facts.rule.time_zone),
        reader_zone=zone_name(reader.zone.key),
        dates=Listing.of((_date_line(slot, reader) for slot in ahead), limit=MAX_DATES),
        different=Listing.of(_different(facts, reader), limit=MAX_DIFFERENT),
        last=_last(mine, reader),
    )


def rule_words(rule: Rule, pattern: Pattern | None = None) -> str:
    """Return „co czwartek 10:00–11:00 do 24 czerwca”: the rule alone."""
    pattern = pattern or pattern_of(rule)
    times = wording.time_range(rule.local_start, rule.local_end)
    if pattern.until is None:
        return pgettext("series", "%(rhythm)s %(times)s") % {"rhythm": series_words.rhythm(pattern), "times": times}
    values = {"rhythm": series_words.rhythm(pattern), "times": times, "day": series_words.full_day(pattern.until)}
    return pgettext("series", "%(rhythm)s %(times)s until %(day)s") % values


def zone_name(time_zone: str) -> str:
    """Return „czas polski” or “Helsinki time”: a series keeps its wall clock, not its distance from UTC."""
    if time_zone == "Europe/Warsaw":
        return _("Polish time")
    return _("%(city)s time") % {"city": time_zone.rpartition("/")[2].replace("_", " ")}


def _sentence(facts: SeriesFacts, mine: list[Slot]) -> str:
    if not mine:
        return rule_words(facts.rule, facts.pattern)
    skipped = [_Skipped(on, Why(item["why"]), item.get("name", "")) for on, item in facts.reasons.items()]
    tally = Tally.of([_difference(facts, slot) for slot in mine], skipped)
    rule = facts.rule
    return series_words.sentence(facts.pattern, local_start=rule.local_start, local_end=rule.local_end, tally=tally)


def _difference(facts: SeriesFacts, slot: Slot) -> Difference:
    starts_on = slot.interval.start_at.astimezone(facts.booking.zone).date()
    # Without a meeting as usual, facts have no rooms to compare with.
    usual = [room.pk for room in facts.rooms] if any(item.rooms is None for item in facts.slots) else None
    return Difference(
        compare_time(slot.starts.date(), starts_on) if slot.occurrence.has_own_time else Time.AS_USUAL,
        compare_rooms([room.pk for room in slot.rooms], usual) if slot.rooms is not None else Rooms.AS_USUAL,
    )


@dataclass(frozen=True, slots=True)
class _Skipped:
    on: date
    why: Why
    name: str


def _date_line(slot: Slot, reader: Reader) -> str:
    start = slot.interval.start_at.astimezone(reader.zone)
    return f"{wording.short_date(start.date())}, {wording.interval_range(slot.interval, reader.zone)}"


def _last(mine: list[Slot], reader: Reader) -> str:
    if not mine:
        return ""
    return wording.long_date(mine[-1].interval.start_at.astimezone(reader.zone).date())


def _different(facts: SeriesFacts, reader: Reader) -> Iterable[str]:
    """Yield a line for each date to come that is not as the rule has it, by date."""
    slots = {slot.starts: slot for slot in facts.slots}
    for starts in facts.starts:
        slot = slots.get(starts)
        end_at = slot.interval.end_at if slot else facts.rule.plain_interval(starts).end_at
        if end_at <= reader.now:
            continue
        if slot is None and facts.reasons.get(starts.date(), {}).get("why") == Why.WEEKDAY:
            continue  # The sentence counts them; there may be many.
        if slot is None:
            yield _no_meeting(facts, starts.date())
        elif slot.occurrence.pk in reader.absent:
            yield _("%(day)s: without you") % {"day": wording.short_date(starts.date())}
        elif slot.occurrence.is_override:
            yield _own_line(facts, slot, reader)


def _no_meeting(facts: SeriesFacts, day: date) -> str:
    reason = facts.reasons.get(day, {})
    name = reason.get("name", "")
    if reason.get("why") == Why.HOLIDAY:
        # Stored in the language of whoever booked.
        name = holidays.name_of(day, language=get_language() or "pl") or name
    values = {"day": wording.short_date(day), "name": name}
    if values["name"]:
        return _("%(day)s: no meeting (%(name)s)") % values
    return _("%(day)s: no meeting") % values


def _own_line(facts: SeriesFacts, slot: Slot, reader: Reader) -> str:
    usual = facts.rule.plain_interval(slot.starts)
    parts = [_date_line(slot, reader)]
    if slot.interval != usual:
        was_on = usual.start_at.astimezone(reader.zone).date()
        times = wording.interval_range(usual, reader.zone)
        is_same_day = was_on == slot.interval.start_at.astimezone(reader.zone).date()
        was = times if is_same_day else f"{wording.short_date(was_on)}, {times}"
        parts.append(_("instead of %(time)s") % {"time": was})
    line = " ".join(parts)
    if slot.places is not None:
        rooms = "; ".join(place.room for place in slot.places) or _("no rooms, online only")
        line += f" · {rooms}"
    return f"{line} · {slot.occurrence.own_title}" if slot.occurrence.own_title else line
