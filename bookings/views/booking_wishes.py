"""What the booking form asks beside rooms: who sits where, what they should have, what is carried in; recording.

The last stands beside the title, where it is seen; the others are folded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.utils.translation import get_language

from bookings.rules import Wishes
from bookings.views.board_cells import equipment_name
from bookings.wishes_form import MOVABLE, SEATS
from bookings.wording import refusal_text
from rooms.models import MovableEquipment, Site
from rooms.queries import filter_equipment, movable_equipment

if TYPE_CHECKING:
    from bookings.views.booking_page import Page


@dataclass(frozen=True, slots=True)
class Number:
    """A number to fill in. `most`: what there is."""

    name: str
    label: str
    value: str
    note: str = ""
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    value: int
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Questions:
    """`warnings`: what the rooms lack; nothing of it keeps a session from being booked.

    `recorder`: None where the office records nothing; `value` is empty unless the session is to be recorded.
    `is_open`: something is wished in the folded part, where the recorder is not.
    """

    seats: tuple[Number, ...]
    features: tuple[Feature, ...]
    movable: tuple[Number, ...]
    recorder: Number | None
    warnings: tuple[str, ...]
    is_open: bool


def questions(page: Page) -> Questions:
    """Ask about the sites of the chosen rooms, and of those that something was said about already."""
    wishes = page.form.wishes
    said = dict(wishes.seats)
    sites = {room.site_id: room.site for room in page.chosen}
    sites |= {room.site_id: room.site for room in page.rooms if room.site_id in said}
    movable = movable_equipment()
    recorder = next((item for item in movable if item.is_recorder), None)
    return Questions(
        seats=tuple(_seats(page, site) for site in sites.values()),
        features=tuple(
            Feature(item.pk, equipment_name(item), item.pk in wishes.features) for item in filter_equipment()
        ),
        movable=tuple(
            _movable(page, item)
            for item in movable
            if item.site_id in sites or (item.pk in dict(wishes.movable) and not item.is_recorder)
        ),
        recorder=_movable(page, recorder) if recorder else None,
        warnings=tuple(refusal_text(item) for item in page.assessment.warnings) if page.assessment else (),
        is_open=_without(recorder, wishes) != Wishes(),
    )


def _without(recorder: MovableEquipment | None, wishes: Wishes) -> Wishes:
    movable = tuple((pk, count) for pk, count in wishes.movable if recorder is None or pk != recorder.pk)
    return replace(wishes, movable=movable)


def open_booking(data: QueryDict, wishes: Wishes) -> None:
    """Fill in what a booking was made with."""
    for prefix, numbers in ((SEATS, wishes.seats), (MOVABLE, wishes.movable)):
        for pk, count in numbers:
            data[f"{prefix}{pk}"] = str(count)
    data.setlist("feature", [str(pk) for pk in wishes.features])


def _seats(page: Page, site: Site) -> Number:
    name = f"{SEATS}{site.pk}"
    return Number(name, site.name, page.draft.data.get(name, ""))


def _movable(page: Page, item: MovableEquipment) -> Number:
    name = f"{MOVABLE}{item.pk}"
    label = item.name_en if get_language() != "pl" and item.name_en else item.name
    return Number(name, label, page.draft.data.get(name, ""), item.site.name if item.site else "", item.quantity)
