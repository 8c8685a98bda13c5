"""What the licence desk shows of conferences that nobody booked: as seats in use, by day, in files and in replays."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from bookings import services
from reports.licence_usage import Peak, daily_use, peaks_by_site, planned_peaks
from reports.licence_wishes import wishes_between
from rooms.interval import Interval
from rooms.licence_replay import Wish
from tests.factories import Office
from tests.reports.usage import NOW, TODAY, at

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def running(office: Office) -> Iterator[None]:
    """One of Koszykowa since ten; it is half past."""
    cache.clear()
    User.objects.update(language="en")
    services.open_unplanned("ad-hoc", site=office.koszykowa, until=at(11), now=at(10))
    with time_machine.travel(NOW, tick=False):
        yield


def test_the_desk_shows_it_on_the_lanes_of_the_day(office: Office, admin_client: Client) -> None:
    page = admin_client.get("/zarzadzanie/licencje/?dzien=2026-11-24&widok=tabela").content.decode()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "in use now 1 of 10" in text
    assert "unplanned conference" in text
    assert "ad-hoc" not in text


def test_files_name_it(office: Office, admin_client: Client) -> None:
    answers = [
        admin_client.get(f"/zarzadzanie/licencje/csv/?pula={office.pool.pk}&{more}")
        for more in ("tabela=sesje&od=2026-11-24&do=2026-11-24", "dzien=2026-11-24")
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    cells = [
        cell
        for answer in answers
        for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";")
        for cell in row
    ]
    assert "unplanned conference" in cells


def test_peaks_count_it_as_planned_and_as_it_ran(office: Office) -> None:
    whole, part = Peak(1, at(10)), Peak(1, at(10))
    (day,) = daily_use(office.pool, TODAY, TODAY, now=NOW)
    assert (day.peak, day.actual) == (whole, part)
    (day,) = daily_use(office.pool, TODAY, TODAY, now=NOW, site_id=office.koszykowa.pk)
    assert (day.peak, day.actual) == (whole, part)
    (day,) = daily_use(office.pool, TODAY, TODAY, now=NOW, site_id=office.taborowa.pk)
    assert (day.peak, day.actual) == (None, None)
    assert planned_peaks(office.pool, TODAY, TODAY, now=NOW) == {TODAY: 1}
    assert peaks_by_site(office.pool, TODAY, TODAY, now=NOW) == {office.koszykowa.pk: whole}


def test_a_replay_has_it_as_a_wish_of_the_moment(office: Office) -> None:
    hour = Interval(at(10), at(11))
    seats = ((office.koszykowa.pk, 1),)
    assert wishes_between(office.pool, Interval(at(0), at(23))) == [Wish(at(10), hour, seats)]
    assert wishes_between(office.pool, Interval(at(11), at(23))) == []
