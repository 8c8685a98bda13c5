from __future__ import annotations

from launch.backoff import Backoff


def test_died_waits_twice_as_long_each_time_and_gives_up_at_the_fifth() -> None:
    backoff = Backoff()
    assert [backoff.died(moment) for moment in (0.0, 1.0, 2.0, 3.0, 4.0)] == [0.5, 1.0, 2.0, 4.0, None]


def test_died_forgets_what_is_a_minute_old() -> None:
    backoff = Backoff()
    assert [backoff.died(moment) for moment in (0.0, 20.0, 40.0, 59.9, 60.0)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert backoff.died(1000.0) == 0.5
