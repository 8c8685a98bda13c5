"""What was refused is read a page at a time, and titles only by those who may know them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings import licence_queries, services
from bookings.models import LicenceRefusal
from rooms.models import LicenceGrant, LicencePool, SiteShare
from tests.bookings.requests import NOW, ask
from tests.factories import Office, make_user

UNTIL = NOW + timedelta(days=1)
Outcome = LicenceRefusal.Outcome


@pytest.fixture
def refused(office: Office) -> Office:
    """Anna of Koszykowa was refused an open and a closed session, Hanna of Biała one, a minute after each other."""
    SiteShare.objects.all().delete()
    LicenceGrant.objects.all().delete()
    wishes = [
        (office.staff, "KOS/2.14", "Konsultacje", False),
        (office.staff, "KOS/2.14", "Przesłuchanie X", True),
        (office.colleague, "BIA/5", "Dyżur <b>prawny</b>", False),
    ]
    for number, (user, room, title, is_private) in enumerate(wishes):
        with pytest.raises(services.Refused):
            services.book(
                ask(user, office.room(room), title=title, is_private=is_private),
                by=user,
                now=NOW + timedelta(minutes=number),
                submission=uuid.UUID(int=number + 1),
            )
    return office


def titles(user: Any, pool: LicencePool) -> list[str]:
    page = licence_queries.refusals_for(user, pool, NOW, UNTIL)
    assert all(bool(row.title) == bool(row.user) == (not row.is_hidden) for row in page.refusals)
    return [row.title for row in page.refusals]


def test_titles_are_for_those_who_may_know_them(refused: Office) -> None:
    pool = refused.pool
    everything = ["Dyżur <b>prawny</b>", "Przesłuchanie X", "Konsultacje"]
    assert titles(refused.it_admin, pool) == everything
    assert titles(refused.staff, pool) == ["", "Przesłuchanie X", "Konsultacje"]
    assert titles(refused.manager, pool) == ["", "Przesłuchanie X", "Konsultacje"]
    neighbour = make_user("t.lis@urzad.example", staff_of=[refused.koszykowa])
    assert titles(neighbour, pool) == ["", "", "Konsultacje"]
    assert titles(refused.colleague, pool) == ["Dyżur <b>prawny</b>", "", ""]
    assert titles(refused.newcomer, pool) == ["", "", ""]


def test_what_was_booked_as_a_closed_session_is_closed_in_the_log(refused: Office) -> None:
    LicenceGrant.objects.create(pool=refused.pool, seats=5, valid_from="2019-01-01")
    request = ask(refused.staff, refused.room("KOS/2.14"), title="Konsultacje", is_private=True)
    services.book(request, by=refused.staff, now=NOW, submission=uuid.UUID(int=1))
    neighbour = make_user("t.lis@urzad.example", staff_of=[refused.koszykowa])
    assert titles(neighbour, refused.pool) == ["", "", ""]


def test_pages_follow_each_other_without_gaps(refused: Office) -> None:
    LicenceRefusal.objects.update(at=NOW)
    seen, before = [], None
    for _page in range(3):
        page = licence_queries.refusals_for(refused.it_admin, refused.pool, NOW, UNTIL, before=before, most=1)
        seen += [row.pk for row in page.refusals]
        before = page.older
    assert before is None
    assert seen == list(LicenceRefusal.objects.order_by("-pk").values_list("pk", flat=True))


def test_a_page_costs_as_much_however_many_rows(
    refused: Office, django_assert_num_queries: Callable[[int], Any]
) -> None:
    for most in (1, 3):
        user = type(refused.manager).objects.get(pk=refused.manager.pk)
        with django_assert_num_queries(2):
            licence_queries.refusals_for(user, refused.pool, NOW, UNTIL, most=most)


def test_counts_by_site_and_outcome_are_one_query(
    refused: Office, django_assert_num_queries: Callable[[int], Any]
) -> None:
    services.note_outcome(LicenceRefusal.objects.earliest("at"), Outcome.BY_PHONE, by=refused.it_admin, now=NOW)
    with django_assert_num_queries(1):
        counts = licence_queries.count_refusals(refused.pool, NOW, UNTIL)
    kos, bia = refused.koszykowa.pk, refused.biala.pk
    assert counts == {(kos, "by_phone"): 1, (kos, "open"): 1, (bia, "open"): 1}


@pytest.mark.parametrize(("since", "until", "count"), [(NOW, UNTIL, 3), (NOW + timedelta(minutes=1), UNTIL, 2)])
def test_the_end_is_open(refused: Office, since: datetime, until: datetime, count: int) -> None:
    assert licence_queries.refusals_between(refused.pool, since, until).count() == count
    assert licence_queries.refusals_between(refused.pool, NOW, NOW).count() == 0
