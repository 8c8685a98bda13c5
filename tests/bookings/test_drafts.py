"""An open form holds its rooms for ten minutes: reported, tentative to others, never outliving its time."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db.models import Model

from bookings import availability, services
from bookings.models import Booking, Draft, EquipmentHold, LicenceHold, RoomHold
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Code, Series, Wishes
from rooms.models import MovableEquipment
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

FORM, OTHER_FORM = uuid.UUID(int=1), uuid.UUID(int=2)
TEN = timedelta(minutes=10)


def held(model: type[Model] = RoomHold) -> int:
    return model._default_manager.filter(live=True).count()


def hold(office: Office, *codes: str, form: uuid.UUID = FORM, user: Any = None, **fields: Any) -> services.DraftState:
    user = user or office.staff
    request = ask(user, *(office.room(code) for code in codes), **fields)
    return services.hold_draft(request, submission=form, user=user, now=NOW)


def test_a_form_holds_its_rooms_a_licence_and_equipment_for_ten_minutes(office: Office) -> None:
    camera = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=2)
    state = hold(office, "KOS/2.14", "KOS/2.16", title="", wishes=Wishes(movable=((camera.pk, 1),)))
    assert (state.expires_at, state.held) == (NOW + TEN, True)
    assert {refusal.code for refusal in state.refusals} == {Code.TITLE_MISSING}, (
        "typed later, and no reason not to hold"
    )
    assert (held(), held(LicenceHold), held(EquipmentHold)) == (2, 1, 1)
    assert set(RoomHold.objects.values_list("draft", "expires_at")) == {(FORM, NOW + TEN)}


def test_to_others_the_room_is_tentatively_taken_until_then(office: Office) -> None:
    hold(office, "KOS/2.14")
    request = ask(office.manager, office.room("KOS/2.14"))
    with pytest.raises(services.Refused) as refused:
        services.book(request, by=office.manager, now=NOW)
    (refusal,) = refused.value.refusals
    assert refusal.code == Code.ROOM_TAKEN
    assert refusal.holder is not None
    assert (refusal.holder.kind, refusal.holder.until) == ("draft", NOW + TEN)


def test_nobody_counts_it_once_its_time_is_over_and_whoever_needs_the_room_deletes_it(office: Office) -> None:
    hold(office, "KOS/2.14")
    request = ask(office.manager, office.room("KOS/2.14"))
    assert availability.find_refusals(request, by=office.manager, now=NOW + TEN) == []
    services.book(request, by=office.manager, now=NOW + TEN)
    assert RoomHold.objects.filter(draft__isnull=False).count() == 0


def test_the_form_itself_books_what_it_held(office: Office) -> None:
    hold(office, "KOS/2.14")
    request = ask(office.staff, office.room("KOS/2.14"))
    assert availability.find_refusals(request, by=office.staff, now=NOW, draft=FORM) == []
    services.book(request, by=office.staff, now=NOW, submission=FORM)
    assert (Draft.objects.count(), held(), held(LicenceHold)) == (0, 1, 1)


def test_a_form_that_was_sent_holds_nothing_again(office: Office) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW, submission=FORM)
    assert hold(office, "TAB/A") == services.DraftState(None, held=False, refusals=())
    assert held() == 1


def test_a_later_look_replaces_what_the_form_held(office: Office) -> None:
    hold(office, "KOS/2.14")
    hold(office, "TAB/A", start=at(12))
    assert list(RoomHold.objects.values_list("room", flat=True)) == [office.room("TAB/A").pk]
    assert (held(LicenceHold), Draft.objects.count()) == (1, 1)


def test_what_is_taken_is_reported_and_the_rest_is_held(office: Office) -> None:
    services.book(ask(office.manager, office.room("KOS/2.14")), by=office.manager, now=NOW)
    state = hold(office, "KOS/2.14", "TAB/A")
    assert (state.held, state.expires_at) == (False, NOW + TEN)
    assert [(item.code, item.room_id) for item in state.refusals] == [(Code.ROOM_TAKEN, office.room("KOS/2.14").pk)]
    assert list(RoomHold.objects.filter(draft=FORM).values_list("room", flat=True)) == [office.room("TAB/A").pk]


def test_a_time_that_is_refused_holds_nothing(office: Office) -> None:
    state = hold(office, "KOS/2.14", start=at(3))
    assert (state.held, state.expires_at) == (False, None)
    assert (held(), held(LicenceHold), Draft.objects.count()) == (0, 0, 0)


def test_a_series_holds_the_dates_that_are_free(office: Office) -> None:
    room = office.room("KOS/2.14")
    services.book(ask(office.manager, room, start=at(10) + timedelta(days=7)), by=office.manager, now=NOW)
    series = Series(Pattern(Frequency.WEEKLY, weekdays=(1,), count=4), skip_holidays=False)
    state = hold(office, "KOS/2.14", series=series)
    assert (state.held, state.expires_at) == (False, NOW + TEN)
    assert [refusal.on for refusal in state.refusals] == [date(2026, 12, 1)]
    assert RoomHold.objects.filter(draft=FORM).count() == 3


def test_of_one_persons_forms_the_newest_three_hold_something(office: Office) -> None:
    for n in range(5):
        request = ask(office.staff, office.room("KOS/2.14"), start=at(9 + n), minutes=30)
        services.hold_draft(request, submission=uuid.UUID(int=n), user=office.staff, now=NOW + timedelta(seconds=n))
    assert set(Draft.objects.values_list("pk", flat=True)) == {uuid.UUID(int=n) for n in (2, 3, 4)}
    assert held() == 3


def test_a_form_left_in_another_tab_gives_way_to_the_newest(office: Office) -> None:
    hold(office, "KOS/2.14", "TAB/A")
    state = hold(office, "KOS/2.14", form=OTHER_FORM)
    assert (state.held, state.refusals) == (True, ())
    assert list(RoomHold.objects.values_list("draft", "room")) == [(OTHER_FORM, office.room("KOS/2.14").pk)]


def test_somebody_elses_form_does_not(office: Office) -> None:
    hold(office, "KOS/2.14")
    assert not hold(office, "KOS/2.14", form=OTHER_FORM, user=office.manager).held


def test_closing_the_form_gives_its_rooms_back_and_nobody_elses(office: Office) -> None:
    hold(office, "KOS/2.14")
    hold(office, "TAB/A", form=OTHER_FORM, user=office.manager)
    services.release_draft(OTHER_FORM, office.staff)
    services.release_draft(FORM, office.staff)
    services.release_draft(FORM, office.staff)
    assert list(Draft.objects.values_list("pk", flat=True)) == [OTHER_FORM]
    assert held() == 1


def test_sweeping_deletes_what_is_over(office: Office) -> None:
    hold(office, "KOS/2.14")
    assert services.forget_drafts(NOW + TEN - timedelta(seconds=1)) == 0
    assert services.forget_drafts(NOW + TEN) == 1
    assert (Draft.objects.count(), held(), held(LicenceHold)) == (0, 0, 0)


def test_who_may_not_book_holds_nothing(office: Office) -> None:
    assert not hold(office, "KOS/2.14", user=office.newcomer).held
    assert held() == 0


def test_a_room_for_managers_is_asked_for_and_held(office: Office) -> None:
    state = hold(office, "KOS/3.01")
    assert state.expires_at == NOW + TEN
    assert held() == 1


def test_a_draft_never_fits_beside_the_last_licence(office: Office) -> None:
    LicenceHold.objects.all().delete()
    office.pool.grants.update(seats=9)
    for n, code in enumerate(("KOS/2.14", "KOS/2.16", "KOS/0.07", "KOS/1.03")):
        services.hold_draft(
            replace(ask(office.it_admin, office.room(code)), title=f"{n}"),
            submission=uuid.UUID(int=10 + n), user=office.it_admin if n < 2 else office.manager, now=NOW,
        )  # fmt: skip
    state = hold(office)
    assert [refusal.code for refusal in state.refusals] == [Code.LICENCE_NONE_FREE]
    assert state.expires_at is None, "there is no room to hold either"
    assert Booking.objects.count() == 0
