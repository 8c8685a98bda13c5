"""Periodic work is done once per interval, and its rows say how it went."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications import jobs
from notifications.jobs import grid, leases, reading, running, schedule
from notifications.jobs.work import Work
from notifications.models import Job

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[datetime]]]:
    """Put a piece of work on the schedule, and return the list of the times at which it was done."""

    def add(name: str = "count", every: timedelta = MINUTE, **values: Any) -> list[datetime]:
        done: list[datetime] = []
        work = Work(name, every, values.pop("do", done.append), **values)
        monkeypatch.setitem(schedule.BY_NAME, name, work)
        monkeypatch.setattr(schedule, "WORK", (*schedule.WORK, work))
        return done

    return add


def due_after(now: datetime, *, name: str = "count", every: timedelta = MINUTE) -> datetime:
    return grid.next_due(name, every, now)


class TestDue:
    def test_new_work_is_done_at_once_and_then_at_the_moments_of_its_grid(self, plan: Any) -> None:
        done = plan()
        assert jobs.run("count", NOW)
        first = due_after(NOW)
        assert not jobs.run("count", first - 6 * SECOND)
        assert jobs.run("count", first)
        assert jobs.run("count", first + MINUTE)
        assert [round(at.timestamp()) for at in done] == [round(at.timestamp()) for at in (NOW, first, first + MINUTE)]

    def test_asked_for_twice_it_is_done_once(self, plan: Any) -> None:
        done = plan()
        first = due_after(NOW)
        for at in (NOW, first, first, first + SECOND, first + 30 * SECOND):
            jobs.run("count", at)
        assert len(done) == 2

    def test_a_message_a_moment_early_is_the_one_of_its_moment(self, plan: Any) -> None:
        done = plan()
        jobs.run("count", NOW)
        first = due_after(NOW)
        assert jobs.run("count", first - 4 * SECOND)
        assert not jobs.run("count", first + SECOND)
        assert len(done) == 2

    def test_what_was_missed_is_one_run_and_the_grid_stays(self, plan: Any) -> None:
        plan()
        jobs.run("count", NOW)
        first = due_after(NOW)
        late = first + timedelta(hours=8, seconds=20)
        assert jobs.run("count", late)
        assert not jobs.run("count", late + SECOND)
        row = Job.objects.get(name="count")
        assert row.due_at == first + timedelta(hours=8, minutes=1)
        assert row.late_by == timedelta(hours=8, seconds=20)

    def test_woken_it_is_done_whatever_the_time(self, plan: Any) -> None:
        done = plan()
        for _ in range(3):
            assert jobs.run("count", NOW, woken=True)
        assert len(done) == 3

    def test_a_clock_put_back_an_hour_stops_nothing(self, plan: Any) -> None:
        done = plan()
        jobs.run("count", NOW)
        back = NOW - timedelta(hours=1)
        assert jobs.run("count", back)
        assert not jobs.run("count", back + SECOND)
        assert Job.objects.get(name="count").due_at == due_after(back)
        assert len(done) == 2

    def test_a_lease_from_before_the_clock_was_put_back_holds_nobody(self, plan: Any) -> None:
        done = plan()
        jobs.run("count", NOW)
        Job.objects.filter(name="count").update(lease_until=NOW + leases.LEASE)
        assert jobs.run("count", NOW - timedelta(hours=1))
        assert len(done) == 2

    def test_work_of_another_version_is_left_alone(self, caplog: pytest.LogCaptureFixture) -> None:
        assert not jobs.run("no_such_work", NOW)
        assert "no_such_work" in caplog.text
        assert not Job.objects.exists()


class TestLeases:
    def test_what_somebody_does_is_done_by_nobody_else(self, plan: Any) -> None:
        done = plan(do=lambda now: inner.append(jobs.run("count", now + 2 * MINUTE / 8, woken=True)))
        inner: list[bool] = []
        assert jobs.run("count", NOW)
        assert inner == [False]
        assert done == []

    def test_a_dead_workers_work_is_free_after_half_a_minute_and_counted(self, plan: Any) -> None:
        done = plan(every=5 * SECOND)
        jobs.run("count", NOW)
        work = schedule.BY_NAME["count"]
        assert leases.take(work, NOW + MINUTE, holder="gone/1/1", woken=False)
        assert not jobs.run("count", NOW + MINUTE + 29 * SECOND)
        assert jobs.run("count", NOW + MINUTE + 30 * SECOND)
        row = Job.objects.get(name="count")
        assert (row.lost_runs, row.runs, len(done)) == (1, 3, 2)

    def test_a_renewed_lease_goes_on(self, plan: Any) -> None:
        plan(every=5 * SECOND)
        jobs.run("count", NOW)
        lease = leases.take(schedule.BY_NAME["count"], NOW + MINUTE, holder="slow/1/1", woken=False)
        assert lease
        leases.renew([lease], NOW + MINUTE + 20 * SECOND)
        assert not jobs.run("count", NOW + MINUTE + 45 * SECOND)
        assert leases.finish(lease, NOW + 2 * MINUTE)
        row = Job.objects.get(name="count")
        assert (row.took, row.lost_runs, row.lease_until) == (MINUTE, 0, None)

    def test_who_was_too_slow_records_nothing_over_the_next(self, plan: Any) -> None:
        plan(every=5 * SECOND)
        jobs.run("count", NOW)
        slow = leases.take(schedule.BY_NAME["count"], NOW + MINUTE, holder="slow/1/1", woken=False)
        assert slow
        assert jobs.run("count", NOW + 2 * MINUTE)
        leases.renew([slow], NOW + 3 * MINUTE)
        assert not leases.finish(slow, NOW + 3 * MINUTE, words="Slow: too slow")
        row = Job.objects.get(name="count")
        assert (row.last_error, row.lease_until, row.failures) == ("", None, 0)

    def test_who_was_too_slow_renews_nothing_of_the_next(self, plan: Any) -> None:
        plan(every=5 * SECOND)
        jobs.run("count", NOW)
        work = schedule.BY_NAME["count"]
        slow = leases.take(work, NOW + MINUTE, holder="slow/1/1", woken=False)
        assert slow
        assert leases.take(work, NOW + 2 * MINUTE, holder="next/1/1", woken=False)
        leases.renew([slow], NOW + 2 * MINUTE + 10 * SECOND)
        assert Job.objects.get(name="count").lease_until == NOW + 2 * MINUTE + leases.LEASE

    def test_several_do_what_has_several_slots_and_one_message_is_one_run(self, plan: Any) -> None:
        plan(slots=2, every=5 * SECOND)
        work = schedule.BY_NAME["count"]
        leases.make_rows([work], NOW)
        assert leases.take(work, NOW, holder="a", woken=False)
        assert not leases.take(work, NOW, holder="b", woken=False), "of this moment it is done"
        later = due_after(NOW, every=5 * SECOND)
        assert leases.take(work, later, holder="b", woken=False)
        assert not leases.take(work, later + 6 * SECOND, holder="c", woken=True), "no slot is left"


class TestRecords:
    def test_a_run_that_went_well(self, plan: Any) -> None:
        plan()
        jobs.run("count", NOW)
        row = Job.objects.get(name="count")
        assert row.started_at == NOW
        assert row.succeeded_at == row.finished_at
        assert timedelta(0) < row.took < SECOND
        assert (row.runs, row.failures, row.failed_at, row.last_error, row.late_by) == (1, 0, None, "", timedelta(0))
        assert (row.lease_until, row.holder.count("/")) == (None, 2)

    def test_a_failure_stops_nothing_and_is_told_without_names(
        self, plan: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(_now: datetime) -> None:
            raise ValueError("no room for 'Jan Kowalski' <jan@example.org> is free\nDETAIL: Jan Kowalski again" * 9)

        plan(do=fail)
        done = plan("other")
        assert jobs.run("count", NOW)
        assert jobs.run("count", NOW, woken=True)
        assert jobs.run("other", NOW)
        row = Job.objects.get(name="count")
        assert row.last_error == "ValueError: no room for … … is free"
        assert (row.failures, row.runs, row.succeeded_at, row.failed_at) == (2, 2, None, row.finished_at)
        assert len(done) == 1
        assert "Traceback" in caplog.text

    def test_words_stay_when_it_goes_well_again(self, plan: Any) -> None:
        broken = [True]

        def work(_now: datetime) -> None:
            if broken:
                raise KeyError(broken.pop())

        plan(do=work)
        jobs.run("count", NOW)
        jobs.run("count", NOW, woken=True)
        row = Job.objects.get(name="count")
        assert (row.failures, row.last_error, bool(row.succeeded_at), bool(row.failed_at)) == (
            0,
            "KeyError: True",
            True,
            True,
        )

    def test_words_are_short(self) -> None:
        assert len(running.words_of(ValueError("x" * 5000))) == running.MAX_WORDS

    def test_rows_of_what_there_is_no_more_are_removed(self) -> None:
        Job.objects.create(name="of_last_year", due_at=NOW)
        Job.objects.create(name="deliver_mail", slot=99, due_at=NOW)
        assert jobs.run("tidy_jobs", NOW)
        assert set(Job.objects.values_list("name", "slot")) == {
            (work.name, slot) for work in schedule.WORK for slot in range(work.slots)
        }


class TestLanes:
    def test_one_thread_of_a_process_and_who_rings_meanwhile_is_heard(self, plan: Any) -> None:
        asked: list[bool] = []

        def work(now: datetime) -> None:
            if not asked:
                thread = threading.Thread(target=lambda: asked.append(jobs.run("count", now, woken=True)))
                thread.start()
                thread.join()
            else:
                asked.append(True)

        plan(do=work, slots=4, lane="count")
        assert jobs.run("count", NOW)
        # Refused to the other thread, and done again by the first.
        assert asked == [False, True]
        assert Job.objects.get(name="count", slot=0).runs == 2

    def test_other_work_of_the_lane_waits(self, plan: Any) -> None:
        inner: list[bool] = []
        done = plan("other", lane="count")
        plan(do=lambda now: inner.append(jobs.run("other", now)), lane="count")
        assert jobs.run("count", NOW)
        assert (inner, done) == ([False], [])
        assert jobs.run("other", NOW)

    def test_it_lingers_for_what_is_known_to_come(self, plan: Any) -> None:
        coming = [NOW + timedelta(seconds=0.6), NOW + timedelta(seconds=1.4), NOW + timedelta(hours=1)]
        done = plan(lane="count", next_at=lambda now: next(at for at in coming if at > now))
        assert jobs.run("count", NOW, lingers=True)
        late_by = [(at - planned).total_seconds() for at, planned in zip(done, [NOW, *coming], strict=False)]
        assert len(done) == 3
        assert all(0 <= seconds < 0.6 for seconds in late_by)

    def test_who_only_asks_once_does_not_linger(self, plan: Any) -> None:
        done = plan(lane="count", next_at=lambda now: now + SECOND)
        assert jobs.run("count", NOW)
        assert len(done) == 1


class TestReading:
    def state(self, name: str, now: datetime) -> reading.JobState:
        return next(state for state in reading.read_all(now) if state.work.name == name)

    def test_work_that_is_not_done_is_late_after_a_while(self, plan: Any) -> None:
        plan(late_after=2 * MINUTE)
        jobs.run("count", NOW)
        due = due_after(NOW)
        assert self.state("count", due - SECOND).lag == timedelta(0)
        assert self.state("count", due + 2 * MINUTE).is_late is False
        late = self.state("count", due + 2 * MINUTE + SECOND)
        assert (late.lag, late.is_late) == (2 * MINUTE + SECOND, True)

    def test_work_in_progress_is_not_late_but_for_one_that_never_ends(self, plan: Any) -> None:
        plan()
        jobs.run("count", NOW)
        lease = leases.take(schedule.BY_NAME["count"], NOW + MINUTE, holder="slow/1/1", woken=True)
        assert lease
        leases.renew([lease], NOW + 29 * MINUTE)
        state = self.state("count", NOW + 29 * MINUTE)
        assert (state.is_late, state.held, state.lag) == (False, 1, timedelta(0))
        leases.renew([lease], NOW + 32 * MINUTE)
        assert self.state("count", NOW + 32 * MINUTE).is_late

    def test_it_fails_from_the_third_time_on(self, plan: Any) -> None:
        plan(do=lambda _now: 1 / 0)
        for failures in range(1, 4):
            jobs.run("count", NOW, woken=True)
            assert self.state("count", NOW).is_failing is (failures == 3)

    def test_one_query_and_no_row_no_state(self, plan: Any, django_assert_num_queries: Any) -> None:
        plan()
        with django_assert_num_queries(1):
            assert reading.read_all(NOW) == ()


@pytest.mark.long
@given(
    name=st.text(max_size=40),
    every=st.timedeltas(timedelta(seconds=1), timedelta(days=2)),
    start=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    steps=st.lists(st.timedeltas(timedelta(0), timedelta(hours=5)), max_size=20),
)
def test_the_grid_is_steady(name: str, every: timedelta, start: datetime, steps: list[timedelta]) -> None:
    """Whoever asks when: moments are whole intervals apart, ahead of now, and never further than they can be."""
    early, now = grid.early(every), start
    first = grid.next_due(name, every, start)
    for step in steps:
        now += step
        due = grid.next_due(name, every, now)
        assert now + early < due <= now + early + every
        assert (due - first) % every == timedelta(0)
    # A run at its moment, or early, leaves the next one.
    assert grid.next_due(name, every, first) == first + every
    assert grid.next_due(name, every, first - early) == first + every


def test_the_schedule_names_each_work_once_and_spreads_it() -> None:
    names = [work.name for work in schedule.WORK]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 40
    minutely = {grid.next_due(work.name, work.every, NOW) for work in schedule.WORK if work.every == MINUTE}
    assert len(minutely) > 1


def test_a_database_that_is_away_costs_a_line(
    plan: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def fail(_now: datetime) -> None:
        raise OperationalError("server closed the connection\nwhile it was asked for much")

    plan(do=fail)
    with caplog.at_level(logging.WARNING):
        assert jobs.run("count", NOW)
    assert "Traceback" not in caplog.text
    assert "server closed the connection" in caplog.text
    assert Job.objects.get(name="count").last_error == "OperationalError: server closed the connection"
