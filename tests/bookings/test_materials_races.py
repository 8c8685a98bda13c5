"""Files and notes that come and go at once, with real threads on real PostgreSQL: never too many, nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError

from bookings import services
from bookings.models import MAX_MATERIALS, Material, MaterialContent
from bookings.rules import Scope
from tests.at_once import at_once as together
from tests.bookings.answering import LATER, book
from tests.bookings.material_files import PDF
from tests.bookings.series import ask_series, at_day, meetings, weekly
from tests.factories import Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
EXPECTED = (services.MaterialRefused, services.MaterialGone, IntegrityError)


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


at_once = partial(together, expected=EXPECTED)


@pytest.mark.parametrize("round_", range(3))
def test_the_twenty_first_never_gets_in(office: Office, round_: int) -> None:
    booking = book(office)
    for number in range(MAX_MATERIALS - 2):
        services.add_note(booking, f"Notatka {number}", "tekst", by=office.staff, now=LATER)

    def add(number: int) -> Material:
        data = PDF + str(number).encode()
        return services.add_file(booking, f"{number}.pdf", data, by=office.staff, now=LATER)

    found = at_once(*[lambda n=n: add(n) for n in range(8)])
    assert [type(item) for item in found].count(Material) == 2
    assert {item.why for item in found if isinstance(item, services.MaterialRefused)} == {"too_many"}
    assert list(booking.materials.order_by("position").values_list("position", flat=True)) == list(
        range(1, MAX_MATERIALS + 1)
    )
    assert MaterialContent.objects.count() == 2


def test_the_database_lets_none_in_past_the_locks(office: Office) -> None:
    booking = book(office)

    def write(position: int) -> Material:
        fields = {"name": "n", "text": "t", "added_by": office.staff, "added_at": LATER}
        return Material.objects.create(booking=booking, position=position, **fields)

    found = at_once(*[lambda n=n: write(n % (MAX_MATERIALS + 1) + 1) for n in range(2 * MAX_MATERIALS + 2)])
    assert [type(item) for item in found].count(Material) == MAX_MATERIALS
    assert booking.materials.count() == MAX_MATERIALS


@pytest.mark.parametrize("round_", range(3))
def test_the_same_file_sent_many_times_is_there_once(office: Office, round_: int) -> None:
    booking = book(office)
    found = at_once(*[lambda: services.add_file(booking, "a.pdf", PDF, by=office.staff, now=LATER) for _n in range(8)])
    assert len({item.pk for item in found}) == 1
    assert (booking.materials.count(), MaterialContent.objects.count()) == (1, 1)


@pytest.mark.parametrize("round_", range(3))
def test_what_is_added_and_taken_away_at_once_leaves_no_gap(office: Office, round_: int) -> None:
    booking = book(office)
    kept = [services.add_note(booking, f"Notatka {number}", "tekst", by=office.staff, now=LATER) for number in range(6)]
    actions: list[Callable[[], Any]] = [
        lambda item=item: services.remove_material(item, by=office.staff, now=LATER) for item in kept[::2]
    ]
    actions += [
        lambda n=n: services.add_note(booking, f"Nowa {n}", "tekst", by=office.staff, now=LATER) for n in range(4)
    ]
    at_once(*actions)
    positions = list(booking.materials.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, 8))


@pytest.mark.parametrize("round_", range(4))
def test_bytes_that_two_sessions_share_go_with_the_last_of_them(office: Office, round_: int) -> None:
    booking = book(office, series=True)
    services.add_file(booking, "a.pdf", PDF, by=office.staff, now=LATER)
    request = ask_series(office.staff, office.room("KOS/2.14"), start=at_day(12, 8, 14), series=weekly(3))
    third = meetings(booking)[2]
    new = services.change(
        booking, request, by=office.staff, now=LATER, version=1, scope=Scope.FOLLOWING, occurrence=third
    )
    at_once(
        *[
            lambda item=item: services.remove_material(item.materials.get(), by=office.staff, now=LATER)
            for item in (booking, new)
        ]
    )
    assert not Material.objects.exists()
    assert not MaterialContent.objects.exists()


@pytest.mark.parametrize("round_", range(3))
def test_of_many_changes_of_a_note_one_counts_and_the_others_are_told(office: Office, round_: int) -> None:
    booking = book(office)
    kept = services.add_note(booking, "Notatka", "tekst", by=office.staff, now=LATER)

    def change(n: int) -> Material:
        now = LATER + timedelta(seconds=n + 1)
        return services.change_note(kept, "Notatka", f"tekst {n}", seen_at=LATER, by=office.staff, now=now)

    found = at_once(*[lambda n=n: change(n) for n in range(6)])
    [winner] = [item for item in found if isinstance(item, Material)]
    assert {item.why for item in found if isinstance(item, services.MaterialRefused)} == {"changed_meanwhile"}
    kept.refresh_from_db()
    assert kept.text == winner.text
