"""Every address of the conferences: who may, and how. One that is new stands in none of the lists, and fails here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from integrations.jitsi import servers
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import Conference, ConferenceServer, Presence
from tests.factories import Office, make_user
from tests.integrations.jitsi.sessions import Session

pytestmark = pytest.mark.django_db

#: Anybody, without signing in, reads these; nothing is changed by them.
OPEN = {
    "jitsi_arrival": {"room": "abcdefghijabcdefghij"},
    "jitsi_key": {"digest": "0" * 64},
    "jitsi_jwks": {},
    "jitsi_control_key": {"digest": "0" * 64},
    "jitsi_control_jwks": {},
    "dial_in_numbers": {},
    "dial_in_conference": {},
}
#: Who has the key for one purpose alone.
CALLED: dict[str, tuple[Purpose, str, dict[str, Any]]] = {
    "jitsi_reservations": (Purpose.RESERVATIONS, "POST", {}),
    "jitsi_reservation": (Purpose.RESERVATIONS, "DELETE", {"conference_key": "abc"}),
    "jitsi_room_created": (Purpose.EVENTS, "POST", {}),
    "jitsi_occupant_joined": (Purpose.EVENTS, "POST", {}),
    "jitsi_occupant_left": (Purpose.EVENTS, "POST", {}),
    "jitsi_room_destroyed": (Purpose.EVENTS, "POST", {}),
    "jitsi_recordings": (Purpose.RECORDINGS, "POST", {}),
    "jitsi_recordings_due": (Purpose.RECORDINGS, "GET", {}),
    "jitsi_recording_deleted": (Purpose.RECORDINGS, "DELETE", {"pk": 1}),
}
#: As those, with the key in the address.
CALLED_BY_ADDRESS = ["jitsi_recorder_status", "jitsi_recorder_session"]
#: IT admins alone; for all others these are not there.
DESK = ["jitsi_desk", "jitsi_desk_now", "jitsi_example_settings"]
DESK_OF_SERVER = ["jitsi_server_settings", "jitsi_server_selftest"]
DESK_OF_CONFERENCE = ["jitsi_desk_end"]
#: Who may change the session.
SESSION = ["jitsi_conference_end", "jitsi_person_remove", "dial_in_renew"]
#: Who may know who came.
ATTENDANCE = ["jitsi_attendance"]


def addresses(resolver: URLResolver) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield str(pattern.name)
        else:
            yield from addresses(pattern)


@pytest.fixture
def server(session: Session) -> ConferenceServer:
    return servers.all_servers()[0]


@pytest.fixture
def running(session: Session, server: ConferenceServer) -> Presence:
    conference = Conference.objects.create(
        server=server,
        name=session.booking.conference_name,
        occurrence=session.occurrence,
        opened_at=session.at(),
        first_joined_at=session.at(),
        people_now=1,
    )
    return Presence.objects.create(
        conference=conference, occupant_jid="a@b/c", attendee=session.guest, joined_at=session.at()
    )


def pages(session: Session, running: Presence) -> dict[str, str]:
    number, server = session.booking.number, running.conference.server_id
    return {
        **{name: reverse(name) for name in DESK},
        **{name: reverse(name, args=[server]) for name in DESK_OF_SERVER},
        **{name: reverse(name, args=[running.conference.key]) for name in DESK_OF_CONFERENCE},
        "jitsi_conference_end": reverse("jitsi_conference_end", args=[number]),
        "jitsi_person_remove": reverse("jitsi_person_remove", args=[number, running.pk]),
        "dial_in_renew": reverse("dial_in_renew", args=[number]),
        "jitsi_attendance": reverse("jitsi_attendance", args=[number]),
    }


def test_every_address_is_in_one_list() -> None:
    lists = [[*OPEN], [*CALLED], CALLED_BY_ADDRESS, DESK, DESK_OF_SERVER, DESK_OF_CONFERENCE, SESSION, ATTENDANCE]
    assert sorted(addresses(get_resolver("integrations.jitsi.urls"))) == sorted(
        name for names in lists for name in names
    )


@pytest.mark.parametrize("name", OPEN)
def test_open_ones_only_read_and_leave_no_cookie(session: Session, name: str) -> None:
    address = reverse(name, kwargs=OPEN[name])
    strict = Client(enforce_csrf_checks=True)
    for method in ("GET", "HEAD"):
        response = strict.generic(method, address)
        assert (response.status_code in {200, 403, 404}, bool(response.cookies)) == (True, False)
    for method in ("PUT", "PATCH", "DELETE", "TRACE", *(("POST",) if name != "dial_in_conference" else ())):
        assert strict.generic(method, address).status_code in {403, 405}, method


@pytest.mark.parametrize("name", CALLED)
def test_calls_need_the_key_for_their_purpose(server: ConferenceServer, name: str) -> None:
    purpose, right, arguments = CALLED[name]
    address, strict = reverse(name, kwargs=arguments), Client(enforce_csrf_checks=True)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        assert strict.generic(method, address).status_code == 401
    for other in Purpose:
        headers = {"Authorization": f"Bearer {key_for(server, other)}"}
        response = strict.generic(right, address, headers=headers)
        assert (response.status_code == 401) == (other is not purpose), other
        assert not response.cookies
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "no-store" in response.headers["Cache-Control"]
        assert other is not purpose or strict.generic("PATCH", address, headers=headers).status_code == 405


@pytest.mark.parametrize("name", CALLED_BY_ADDRESS)
def test_recorders_need_the_key_for_recordings_in_their_address(server: ConferenceServer, name: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    for purpose in Purpose:
        address = reverse(name, args=[key_for(server, purpose)])
        # What is sent is nothing; who has the key is told so.
        expected = 400 if purpose is Purpose.RECORDINGS else 401
        assert strict.post(address, b"{}", content_type="application/json").status_code == expected
        assert strict.get(address).status_code == (405 if purpose is Purpose.RECORDINGS else 401)


def test_keys_of_another_server_and_old_ones_are_of_no_use(server: ConferenceServer, settings: Any) -> None:
    other = ConferenceServer.objects.create(name="b", url="https://b.example", xmpp_domain="b.example")
    mine, theirs = key_for(server, Purpose.RECORDINGS), key_for(other, Purpose.RECORDINGS)
    forged = theirs.partition("-")[0] + "-" + mine.partition("-")[2]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    statuses = [status_with(key) for key in (mine, theirs, forged)]
    ConferenceServer.objects.filter(pk=server.pk).update(key_version=server.key_version + 1)
    assert [*statuses, status_with(mine), status_with(theirs)] == [200, 200, 401, 401, 200]
    settings.SECRET_KEY_FALLBACKS = []
    assert status_with(theirs) == 401


def status_with(key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return int(Client().get(reverse("jitsi_recordings_due"), headers=headers).status_code)


def test_pages_are_for_who_signed_in(session: Session, running: Presence, client: Client) -> None:
    for name, address in pages(session, running).items():
        for method in ("GET", "HEAD", "POST", "DELETE"):
            response = client.generic(method, address)
            if name == "jitsi_desk_now":
                # It loads the whole page anew, which asks to sign in.
                assert (response.content, response.status_code) in [(b"", 200), (b"", 405)]
            else:
                assert (response.status_code, response.headers["Location"].partition("?")[0]) == (
                    302,
                    "/konto/logowanie/",
                )


@pytest.mark.parametrize(
    ("who", "desk", "session_page", "attendance"),
    [
        ("newcomer", 404, 404, 404),
        ("colleague", 404, 404, 404),
        # Neither of the two sites.
        ("stranger", 404, 404, 404),
        ("staff", 404, 200, 200),
        ("manager", 404, 200, 200),
        ("it_admin", 200, 200, 200),
    ],
)
def test_pages_by_role(
    session: Session, running: Presence, office: Office, who: str, desk: int, session_page: int, attendance: int
) -> None:
    user = make_user("kto@inny.example", manages=[office.taborowa]) if who == "stranger" else getattr(office, who)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    found = {name: client.get(address).status_code for name, address in pages(session, running).items()}
    assert found == {
        **dict.fromkeys([*DESK, *DESK_OF_SERVER, *DESK_OF_CONFERENCE], desk),
        **dict.fromkeys(["jitsi_conference_end", "jitsi_person_remove"], session_page),
        "dial_in_renew": 405,
        "jitsi_attendance": attendance,
    }
    for name, address in pages(session, running).items():
        # Nothing is done without the token of a form.
        assert client.post(address).status_code in {403, 405}, name


@pytest.mark.parametrize("text", ["%00", "%ff", "%0a", "a" * 400, "9" * 40, "..%2f", "%ed%a0%80", "é"])
def test_whatever_stands_in_an_address_breaks_nothing(session: Session, admin_client: Client, text: str) -> None:
    number = session.booking.number
    for address in [
        *(f"/zarzadzanie/konferencje/{text}/koniec/", f"/zarzadzanie/konferencje/serwery/{text}/ustawienia/"),
        *(f"/zarzadzanie/konferencje/serwery/{text}/sprawdzenie/", f"/zarzadzanie/konferencje/teraz/?widziane={text}"),
        *(f"/zarzadzanie/konferencje/ustawienia/?rodzaj={text}", f"/sesje/{text}/konferencja/koniec/"),
        *(f"/sesje/{number}/konferencja/{text}/usun/", f"/sesje/{number}/obecnosc/?spotkanie={text}"),
        *(
            f"/sesje/{text}/pin/",
            f"/jitsi-auth/{text}?state={text}&lang={text}",
            f"/d/{text}",
            f"/jitsi/keys/{text}.pem",
        ),
        *(f"/jitsi/recorders/{text}/v1/status", f"/jitsi/conference/{text}", f"/jitsi/recordings/{text}"),
    ]:
        for method in ("GET", "POST"):
            assert admin_client.generic(method, address).status_code < 500, address
