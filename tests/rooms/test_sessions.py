"""Sessions are read with their user and the roles of that user: in one statement, and never somebody else's."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from rooms.middleware import ReadAlongMiddleware
from rooms.models import SiteRole
from rooms.permissions import SiteRoles
from rooms.sessions import SessionStore
from tests.factories import make_site, make_user


@pytest.fixture
def user(db: None) -> User:
    return make_user("anna.wrzesinska@urzad.example", name="Anna Wrzesińska")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _page(client: Client) -> str:
    """Return the page of the account, or nothing where it leads to the sign-in."""
    return client.get(reverse("account_show")).content.decode()


def _read(client: Client) -> SessionStore:
    store = SessionStore(client.cookies["sessionid"].value)
    assert "_auth_user_id" in store
    return store


def test_user_and_roles_are_read_with_the_session_from_the_second_request_on(client: Client, user: User) -> None:
    SiteRole.objects.create(user=user, site=make_site("KOS"), role=SiteRole.Role.STAFF)
    managed = SiteRole.objects.create(user=user, site=make_site("BIA"), role=SiteRole.Role.MANAGER).site
    _page(client)
    with CaptureQueriesContext(connection) as asked:
        reader = _read(client).reader
        assert reader == user
        roles = SiteRoles.of(reader)
    assert len(asked) == 1
    assert (roles.staff_sites, roles.managed_sites) == (SiteRoles.of(user).staff_sites, frozenset({managed.pk}))
    assert len(roles.staff_sites) == 2


def test_the_user_of_a_request_asks_for_no_roles(client: Client, user: User) -> None:
    site = SiteRole.objects.create(user=user, site=make_site("KOS"), role=SiteRole.Role.STAFF).site_id
    request = RequestFactory().get("/")
    request.session = _read(client)
    ReadAlongMiddleware(lambda _request: HttpResponse()).process_request(request)
    with CaptureQueriesContext(connection) as asked:
        assert SiteRoles.of(request.user).staff_sites == {site}
    assert len(asked) == 0


def test_nothing_of_the_user_is_older_than_the_request(client: Client, user: User) -> None:
    assert "Anna Wrzesińska" in _page(client)
    User.objects.filter(pk=user.pk).update(name="Anna Nowak")
    assert "Anna Nowak" in _page(client)


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}])
def test_who_is_shut_out_is_out_with_the_next_request(client: Client, user: User, change: dict[str, object]) -> None:
    assert _page(client)
    User.objects.filter(pk=user.pk).update(**change)
    assert client.get(reverse("account_show")).status_code == 302


def test_a_session_that_is_gone_lets_nobody_in(client: Client) -> None:
    assert _page(client)
    Session.objects.all().delete()
    assert client.get(reverse("account_show")).status_code == 302


def test_a_user_who_is_gone_is_not_let_in(client: Client, user: User) -> None:
    assert _page(client)
    User.objects.filter(pk=user.pk).delete()
    assert client.get(reverse("account_show")).status_code == 302


def test_who_signs_in_with_the_same_browser_is_not_taken_for_who_was_there_before(client: Client) -> None:
    assert "Anna Wrzesińska" in _page(client)
    client.force_login(make_user("piotr.lis@urzad.example", name="Piotr Lis"))
    for _request in range(2):
        html = _page(client)
        assert "Piotr Lis" in html
        assert "Anna Wrzesińska" not in html


def test_a_wrong_guess_is_no_harm(client: Client) -> None:
    """The session says itself whose it is; whoever the process remembers for it may be anybody."""
    other = make_user("piotr.lis@urzad.example", name="Piotr Lis")
    assert "Anna Wrzesińska" in _page(client)
    session = Session.objects.get()
    changed = SessionStore().encode({**session.get_decoded(), "_auth_user_id": str(other.pk)})
    Session.objects.update(session_data=changed)
    # The stamp of Anna's password does not fit the other account either.
    assert client.get(reverse("account_show")).status_code == 302


def test_what_was_signed_once_is_read_anew_each_time() -> None:
    store = SessionStore()
    signed = store.encode({"typed": {"title": "Odprawa"}})
    first, second = store.decode(signed), SessionStore().decode(signed)
    first["typed"]["title"] = "Narada"
    assert second == store.decode(signed) == {"typed": {"title": "Odprawa"}}


def test_what_nobody_has_signed_is_no_session() -> None:
    store = SessionStore()
    signed = store.encode({"_auth_user_id": "1"})
    assert store.decode(signed)
    assert store.decode(signed[:-2] + ("AA" if signed[-2:] != "AA" else "BB")) == {}
    assert store.decode("") == {}
