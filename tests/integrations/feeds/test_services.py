"""Making addresses and taking them back; nobody gets past the limit."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction

from integrations.feeds import services
from integrations.feeds.models import CalendarFeed
from integrations.pace import Pace
from tests.bookings.requests import NOW
from tests.factories import Office, make_user
from tests.integrations.feeds.programs import subscribe


@pytest.mark.django_db
def test_address_taken_back_makes_room_for_another(office: Office) -> None:
    feeds = [subscribe(office.staff) for _ in range(services.FEEDS_AT_MOST)]
    with pytest.raises(services.TooManyFeeds):
        subscribe(office.staff)
    services.revoke_feed(feeds[0], now=NOW)
    services.revoke_feed(feeds[0], now=NOW + timedelta(days=1))
    feeds[0].refresh_from_db()
    assert feeds[0].revoked_at == NOW
    subscribe(office.staff)
    subscribe(office.colleague)


@pytest.mark.django_db
def test_calendar_of_rooms_never_tells_everything(office: Office) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        subscribe(office.staff, office.koszykowa, detail="full")
    assert not subscribe(office.staff, office.koszykowa, without_mailed=True).without_mailed


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_tabs_at_once_do_not_pass_the_limit(transactional_db: None) -> None:
    user = make_user()
    for _ in range(services.FEEDS_AT_MOST - 2):
        subscribe(user)
    gate = threading.Barrier(8)

    def make(_: int) -> bool:
        gate.wait()
        try:
            subscribe(user)
        except services.TooManyFeeds:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(8))) == 2
    assert CalendarFeed.objects.filter(owner=user, revoked_at=None).count() == services.FEEDS_AT_MOST


def test_pace_counts_each_key_by_itself_and_begins_anew() -> None:
    pace = Pace(most=2, per=timedelta(seconds=10))
    waits = [pace.seconds_to_wait(1, now=NOW + timedelta(seconds=second)) for second in (0, 1, 2, 9, 10)]
    assert waits == [0, 0, 8, 1, 0]
    assert pace.seconds_to_wait(2, now=NOW) == 0
