from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection

from integrations.jitsi import dial_in_tries as tries
from integrations.jitsi.models import DialInTry
from tests.bookings.requests import NOW

ONE, OTHER = "+48 601 000 001", "+48 601 000 002"


@pytest.mark.django_db
def test_some_wrong_pins_of_one_caller_are_looked_at_and_then_each_has_to_be_given_twice() -> None:
    waits = [_wait(pin, ONE) for pin in "1234567"]
    assert waits == [0, 0, 0, 0, 0, 20, 20]
    # The same again: too early, then late enough.
    assert [_wait("6", ONE, seconds=seconds) for seconds in (12, 20)] == [8, 0]
    # Others are not bothered.
    assert _wait("1", OTHER) == 0


@pytest.mark.django_db
def test_caller_with_far_too_many_wrong_pins_waits_for_the_end_of_the_ten_minutes() -> None:
    for number in range(50):
        _wait(str(number), ONE)
    assert [_wait("1", ONE, seconds=seconds) for seconds in (60, 599)] == [540, 1]
    assert _wait("1", ONE, seconds=600) == 0


@pytest.mark.django_db
def test_callers_who_withhold_their_number_are_never_all_shut_out() -> None:
    for number in range(60):
        _wait(str(number), "anonymous")
    assert [_wait("mine", "", seconds=seconds) for seconds in (0, 20)] == [20, 0]


@pytest.mark.django_db
def test_many_wrong_pins_of_all_callers_together_make_everybody_give_theirs_twice() -> None:
    for _number in range(tries.MANY_OF_ALL):
        tries.was_wrong(now=NOW)
    assert [_wait("1", ONE, seconds=seconds) for seconds in (0, 19, 20)] == [20, 1, 0]
    assert _wait("1", OTHER, seconds=601) == 0


@pytest.mark.django_db
def test_right_pin_takes_back_what_was_typed_wrong_before() -> None:
    for pin in "12345":
        _wait(pin, ONE)
    tries.was_right(caller="+48601000001")
    assert [_wait(pin, ONE) for pin in "678"] == [0, 0, 0]


@pytest.mark.django_db
def test_no_number_is_kept_and_nothing_for_long() -> None:
    for pin in "123456":
        _wait(pin, ONE)
    tries.was_wrong(now=NOW)
    kept = " ".join(DialInTry.objects.values_list("key", flat=True))
    assert "601000001" not in kept
    assert tries.forget_old(NOW + timedelta(minutes=9)) == 0
    assert tries.forget_old(NOW + timedelta(minutes=10)) == 3
    assert not DialInTry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_tries_at_once_are_all_counted() -> None:
    waits: list[int] = []
    ready = threading.Barrier(8)

    def guess(pin: str) -> None:
        ready.wait()
        try:
            waits.append(_wait(pin, ONE))
        finally:
            connection.close()

    threads = [threading.Thread(target=guess, args=[str(number)]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [0] * 5 + [20] * 3


def _wait(pin: str, caller: str, *, seconds: int = 0) -> int:
    now: datetime = NOW + timedelta(seconds=seconds)
    return tries.seconds_to_wait(pin, caller=caller, now=now)
