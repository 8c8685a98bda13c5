"""The page with one's addresses: made, copied, shown again, taken back."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from integrations.feeds import services
from integrations.feeds.addresses import calendar_url, free_busy_url
from integrations.feeds.models import CalendarFeed
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.feeds.programs import path_of, subscribe

pytestmark = pytest.mark.django_db
PAGE = "/konto/kalendarze/"


def new(client: Client, what: str = "mine", **fields: str) -> Any:
    return client.post(PAGE, {"what": what, "detail": "titles", **fields})


def shown(client: Client) -> list[str]:
    """Return the addresses in the fields of the page."""
    page = unescape(client.get(PAGE).content.decode())
    return re.findall(r'<input class="input"[^>]*value="(http[^"]*)" readonly', page)


def test_new_address_is_shown_works_and_is_shown_again(staff_client: Client, office: Office) -> None:
    room = office.room("KOS/2.14")
    response = new(staff_client, f"room-{room.pk}", detail="busy", without_mailed="on")
    feed = CalendarFeed.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"{PAGE}#feed-{feed.pk}")
    assert (feed.owner, feed.room, feed.site, feed.detail, feed.without_mailed) == (
        office.staff,
        room,
        None,
        "busy",
        False,
    )
    for _ in range(2):
        assert shown(staff_client) == [calendar_url(feed), free_busy_url(feed)]
    assert [Client().get(path_of(url)).status_code for url in shown(staff_client)] == [200, 200]


def test_own_sessions_and_sites_are_offered_by_site_and_room(staff_client: Client, office: Office) -> None:
    page = staff_client.get(f"{PAGE}?site={office.koszykowa.pk}").content.decode()
    assert page.count("<optgroup") == 3
    assert f'<option value="site-{office.koszykowa.pk}" selected>' in page
    assert '<input type="checkbox" name="without_mailed"' in page
    assert re.search(r'name="without_mailed"[^>]*checked', page)
    for what in ("mine", f"site-{office.koszykowa.pk}"):
        assert new(staff_client, what, without_mailed="on").status_code == 302
    assert [(feed.scope, feed.without_mailed) for feed in CalendarFeed.objects.order_by("pk")] == [
        ("m", True),
        (f"s{office.koszykowa.pk}", False),
    ]


def test_calendar_of_rooms_with_everything_is_refused_beside_the_field(staff_client: Client, office: Office) -> None:
    response = new(staff_client, f"site-{office.koszykowa.pk}", detail="full")
    assert response.status_code == 400
    assert list(response.context["form"].errors) == ["detail"]
    assert not CalendarFeed.objects.exists()


@pytest.mark.parametrize("what", ["", "room-999999", "site-x", "nonsense"])
def test_what_is_not_offered_is_refused(staff_client: Client, what: str) -> None:
    response = new(staff_client, what)
    assert response.status_code == 400
    assert list(response.context["form"].errors) == ["what"]


def test_whoever_has_no_role_is_offered_their_own_sessions_only(office: Office) -> None:
    client = Client()
    client.force_login(office.newcomer)
    assert "<optgroup" not in client.get(PAGE).content.decode()
    assert new(client, f"room-{office.room('KOS/2.14').pk}").status_code == 400
    assert new(client).status_code == 302


def test_limit_is_told_with_the_way_out(staff_client: Client, office: Office) -> None:
    for _ in range(services.FEEDS_AT_MOST):
        subscribe(office.staff)
    response = new(staff_client)
    assert response.status_code == 400
    assert str(services.FEEDS_AT_MOST) in response.context["form"].non_field_errors()[0]


def test_address_taken_back_is_dead_and_gone_from_the_page(staff_client: Client, office: Office) -> None:
    feed = subscribe(office.staff)
    response = staff_client.post(reverse("feed_revoke", args=[feed.pk]))
    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert shown(staff_client) == []
    assert Client().get(path_of(calendar_url(feed))).status_code == 404


def test_nobody_sees_or_takes_back_addresses_of_others(admin_client: Client, office: Office) -> None:
    feed = subscribe(office.staff)
    assert shown(admin_client) == []
    url = reverse("feed_revoke", args=[feed.pk])
    assert admin_client.post(url).status_code == 404
    assert admin_client.get(url).status_code == 405
    assert Client().post(url)["Location"].startswith(reverse("account_login"))
    assert Client().get(PAGE).status_code == 302
    feed.refresh_from_db()
    assert feed.revoked_at is None


def test_page_is_kept_by_no_cache(staff_client: Client, office: Office) -> None:
    response = staff_client.get(PAGE)
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "same-origin"


def test_page_says_when_an_address_was_read_and_whether_it_still_works(staff_client: Client, office: Office) -> None:
    never, today, earlier, dead = (subscribe(office.staff) for _ in range(4))
    day = timezone.localdate()
    services.mark_read(today, on=day)
    services.mark_read(earlier, on=day - timedelta(days=40))
    CalendarFeed.objects.filter(pk=dead.pk).update(room=office.room("KOS/3.01"))
    office.rooms["KOS/3.01"].is_active = False
    office.rooms["KOS/3.01"].save()
    rows = {row.feed.pk: row for row in staff_client.get(PAGE).context["rows"]}
    words = [rows[feed.pk].last_read for feed in (never, today, earlier)]
    assert len(set(words)) == 3
    assert str((day - timedelta(days=40)).year) in words[2]
    assert [pk for pk, row in rows.items() if row.is_dead] == [dead.pk]


def test_queries_do_not_grow_with_addresses(staff_client: Client, office: Office) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            staff_client.get(PAGE)
        return len(queries)

    subscribe(office.staff, office.room("KOS/2.14"))
    one = count()
    for to in (None, office.biala, office.room("KOS/2.16")):
        subscribe(office.staff, to)
    assert count() == one


def test_page_is_linked_from_the_menu_and_the_rules(staff_client: Client, office: Office) -> None:
    assert f'href="{PAGE}"' in staff_client.get("/").content.decode()
    rules = staff_client.get(reverse("rules_show")).content.decode()
    assert f'href="{PAGE}?site={office.koszykowa.pk}#new"' in rules


def test_feed_of_an_owner_who_is_gone_goes_with_them(office: Office) -> None:
    subscribe(office.newcomer, now=NOW)
    User.objects.get(pk=office.newcomer.pk).delete()
    assert not CalendarFeed.objects.exists()
