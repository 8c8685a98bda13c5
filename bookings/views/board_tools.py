"""The tools above the day board and the week: the way to other days, the date field and the filters of rooms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from bookings.typed_times import mistake_text
from bookings.views.board_cells import equipment_name
from bookings.views.board_filters import Filters, seat_steps
from bookings.when import YEARS, NoSuchDay, Unreadable, WrongWeekday, parse_day
from bookings.wording import day_and_month
from rooms.models import Equipment, Room

_LONGEST_KEPT = 60


@dataclass(frozen=True, slots=True)
class DayField:
    """What was typed into the date field. `error`: what to write instead; `offers`: days that were perhaps meant."""

    text: str = ""
    day: date | None = None
    error: str = ""
    offers: tuple[date, ...] = ()

    @classmethod
    def of(cls, query: QueryDict, *, today: date) -> DayField:
        """Read `?day=` as people write dates; emptied, the field leads to today."""
        if "day" not in query:
            return cls()
        text = query.get("day", "").strip()
        try:
            return cls(text, parse_day(text, today=today) if text else today)
        except (Unreadable, NoSuchDay, WrongWeekday) as mistake:
            kept = text[:_LONGEST_KEPT]
            return cls(kept, error=mistake_text(kept, mistake), offers=tuple(_perhaps_meant(mistake)))


def _perhaps_meant(mistake: ValueError) -> Iterable[date]:
    """Yield the day whose weekday is another one, and the day of that weekday in the same week."""
    if isinstance(mistake, WrongWeekday):
        yield mistake.day
        yield mistake.day + timedelta(days=mistake.said - mistake.day.weekday())


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses of days with the filters kept, empty for days of no year that we know.

    `is_week`: the days are read in the week, and lead to others of it.
    """

    filters: Filters
    today: date
    is_week: bool = False

    def to(self, day: date, filters: Filters | None = None) -> str:
        return self._address(day, self.filters if filters is None else filters, is_week=self.is_week)

    def of_day(self, day: date) -> str:
        return self._address(day, self.filters, is_week=False)

    def of_week(self, day: date) -> str:
        return self._address(day, self.filters, is_week=True)

    def calendar(self, day: date) -> str:
        """Return where to choose another day from the month of `day`."""
        if day.year not in YEARS:
            return ""
        query = self.filters.query()
        wanted = f"{'&' if query else '?'}range=week" if self.is_week else ""
        return reverse("month", args=[day]) + query + wanted

    def _address(self, day: date, filters: Filters, *, is_week: bool) -> str:
        if day.year not in YEARS:
            return ""
        names = ("week", "board_week") if is_week else ("board", "board_day")
        path = reverse(names[0]) if day == self.today else reverse(names[1], args=[day])
        return path + filters.query()


def tools(
    rooms: Sequence[Room],
    places: Places,
    day: date,
    field: DayField,
    *,
    is_current: bool,
    equipment: Iterable[Equipment],
) -> dict[str, Any]:
    """Return what the tools show for `day`. `rooms`: all there are. `is_current`: what is shown includes today.

    `equipment`: what rooms can be filtered by.
    """
    step = timedelta(days=7 if places.is_week else 1)
    return {
        "day": day,
        "is_week": places.is_week,
        "is_current": is_current,
        "here_url": places.to(day).partition("?")[0],
        "previous_url": places.to(day - step),
        "next_url": places.to(day + step),
        "today_url": places.to(places.today),
        "day_url": places.of_day(day),
        "week_url": places.of_week(day),
        "calendar_url": places.calendar(day),
        "day_field": field,
        "day_offers": [(day_and_month(offer), places.to(offer)) for offer in field.offers],
        **_filter_choices(rooms, places, day, equipment, has_now=is_current),
    }


def _filter_choices(
    rooms: Sequence[Room], places: Places, day: date, equipment: Iterable[Equipment], *, has_now: bool
) -> dict[str, Any]:
    filters = places.filters

    def to(chosen: Filters) -> str:
        return places.to(day, chosen)

    sites = {room.site_id: room.site for room in rooms}
    fewer, more = seat_steps(rooms, filters.seats)
    return {
        "filters": filters,
        "all_sites_url": to(filters.at_site("")),
        "site_choices": [(site, to(filters.at_site(site.code)), site.code == filters.site) for site in sites.values()],
        "fewer_seats_url": None if fewer is None else to(filters.with_seats(fewer)),
        "more_seats_url": None if more is None else to(filters.with_seats(more)),
        "equipment_choices": [
            (item, equipment_name(item), to(filters.toggled(item.code)), item.code in filters.equipment)
            for item in equipment
        ],
        "free_now_url": to(filters.free_now_toggled()) if has_now else "",
        "clear_url": to(Filters()),
    }
