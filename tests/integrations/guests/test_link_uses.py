"""Of a link that was passed on the organizer learns; of reading it, and of one person at one place, nobody."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client, RequestFactory

from bookings import services
from bookings.models import Attendee
from integrations.guests import link_uses
from integrations.guests.links import answer_path
from integrations.guests.models import LinkUse
from integrations.jitsi.links import token_for
from notifications.jobs import schedule
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.guests.people import CHROME, EDGE, FIREFOX, SAFARI, browser, open_at
from tests.integrations.jitsi.sessions import SERVER, Session, make_keys, make_session
from tests.integrations.jitsi.test_tokens import read, token_in

pytestmark = pytest.mark.django_db
WARNING = "Link used from two places"


@pytest.fixture
def session(office: Office, settings: Any) -> Session:
    for name, value in SERVER.items():
        setattr(settings, name, value)
    make_keys()
    office.staff.language = "en"
    office.staff.save()
    return make_session(office)


def door(attendee: Attendee) -> str:
    return f"/d/{token_for(attendee)}"


def answer(client: Client, attendee: Attendee, when: datetime) -> Any:
    values = {"reply": "ACCEPTED", "sequence": attendee.booking.sequence, "comment": ""}
    return open_at(client, answer_path(attendee), when, method="post", **values)


def told(session: Session, who: Client, when: datetime) -> str:
    return open_at(who, f"/sesje/{session.booking.number}/", when).content.decode()


def warned(session: Session) -> set[int]:
    return set(link_uses.used_from_two_places(session.booking))


def test_one_person_at_one_place_is_one_row_written_once_an_hour(session: Session) -> None:
    at_work = browser(address="192.0.2.10")
    assert answer(at_work, session.guest, NOW).status_code == 302
    assert answer(browser(address="192.0.2.77"), session.guest, NOW + timedelta(minutes=59)).status_code == 302
    use = LinkUse.objects.get()
    assert (use.attendee, use.first_at, use.last_at, use.beside_at) == (session.guest, NOW, NOW, None)
    answer(at_work, session.guest, NOW + timedelta(minutes=61))
    use.refresh_from_db()
    assert (use.first_at, use.last_at) == (NOW, NOW + timedelta(minutes=61))
    assert warned(session) == set()


def test_no_address_is_kept(session: Session) -> None:
    answer(browser(address="203.0.113.45"), session.guest, NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(kept)::text FROM integrations_linkuse kept")
        [(row,)] = cursor.fetchall()
    assert "203.0" not in row
    assert "Chrome" not in row
    assert token_for(session.guest).rpartition("-")[2] not in row
    assert session.guest.join_key not in row


@pytest.mark.parametrize(
    ("second", "is_told"),
    [
        ({"address": "192.0.2.200"}, False),
        ({"address": "192.0.3.10"}, True),
        ({"agent": CHROME.replace("130", "131")}, False),
        ({"agent": EDGE}, True),
        ({"agent": FIREFOX}, True),
        ({"agent": SAFARI}, True),
        ({"address": "2001:db8:7::1"}, True),
        ({"address": "::ffff:192.0.2.9"}, False),
    ],
)
def test_what_counts_as_another_place(session: Session, second: dict[str, str], is_told: bool) -> None:
    answer(browser(), session.guest, NOW)
    answer(browser(**second), session.guest, NOW + timedelta(hours=2))
    assert warned(session) == ({session.guest.pk} if is_told else set())


def test_the_same_home_with_ipv6_is_one_place(session: Session) -> None:
    answer(browser(address="2001:db8:7:1::5"), session.guest, NOW)
    answer(browser(address="2001:db8:7:2::9"), session.guest, NOW + timedelta(hours=2))
    assert LinkUse.objects.count() == 1


@pytest.mark.parametrize(("hours", "is_told"), [(23, True), (25, False)])
def test_two_places_are_told_of_within_a_day_only(session: Session, hours: int, is_told: bool) -> None:
    answer(browser(), session.guest, NOW)
    answer(browser(FIREFOX, address="198.51.100.3"), session.guest, NOW + timedelta(hours=hours))
    assert LinkUse.objects.count() == 2
    assert warned(session) == ({session.guest.pk} if is_told else set())


def test_reading_is_no_use(session: Session) -> None:
    for client in (browser(), browser(FIREFOX, address="198.51.100.3")):
        for path in (f"/g/{token_for(session.guest)}", answer_path(session.guest), door(session.guest)):
            assert open_at(client, path, NOW).status_code == 200
            assert open_at(client, path, NOW, method="head").status_code == 200
    open_at(browser(), door(session.guest), session.at(), method="head")
    assert not LinkUse.objects.exists()


def test_what_is_refused_is_no_use(session: Session) -> None:
    assert open_at(browser(), answer_path(session.guest), NOW, method="post", reply="").status_code == 422
    assert not LinkUse.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"user-agent": "curl/8.5.0", "accept-language": "en"},
        {"user-agent": "Mozilla/5.0 (compatible; SafeLinksScanner/1.0)", "accept-language": "en"},
        {"user-agent": "Mozilla/5.0 (X11; Linux) HeadlessChrome/130.0 Safari/537.36", "accept-language": "en"},
        {"user-agent": CHROME},
        {"accept-language": "en"},
        {"user-agent": CHROME, "accept-language": "en", "sec-purpose": "prefetch;prerender"},
    ],
)
def test_programs_that_open_the_door_are_no_place(session: Session, headers: dict[str, str]) -> None:
    assert open_at(Client(headers=headers), door(session.guest), session.at()).status_code == 302
    assert not LinkUse.objects.exists()


def test_a_forwarded_link_makes_nobody_a_moderator_and_the_organizer_is_told(session: Session) -> None:
    first = open_at(browser(), door(session.guest), session.at())
    finder = open_at(browser(FIREFOX, address="198.51.100.3"), door(session.guest), session.at(minutes=5))
    for response in (first, finder):
        user = read(token_in(response["Location"]))["context"]["user"]
        assert (user["moderator"], user["affiliation"]) == (False, "member")
    assert warned(session) == {session.guest.pk}


def test_the_organizers_own_link_leads_and_is_told_of_too(session: Session) -> None:
    """It is theirs, as their mailbox is; who may change the session sees that it was used elsewhere."""
    for client in (browser(), browser(SAFARI, address="198.51.100.3")):
        response = open_at(client, door(session.organizer), session.at())
        assert read(token_in(response["Location"]))["context"]["user"]["moderator"] is True
    assert warned(session) == {session.organizer.pk}


def test_who_is_signed_in_as_this_person_has_passed_nothing_on(session: Session) -> None:
    for client in (browser(), browser(SAFARI, address="198.51.100.3")):
        client.force_login(session.booking.organizer)
        assert open_at(client, door(session.organizer), session.at()).status_code == 302
    assert not LinkUse.objects.exists()
    neighbour = browser()
    neighbour.force_login(session.booking.organizer)
    open_at(neighbour, door(session.guest), session.at())
    assert LinkUse.objects.get().attendee == session.guest


def test_the_session_page_warns_who_may_change_it_and_a_new_link_ends_that(session: Session, office: Office) -> None:
    for client in (browser(), browser(FIREFOX, address="198.51.100.3")):
        answer(client, session.guest, NOW)
    organizer, colleague = Client(), Client()
    organizer.force_login(office.staff)
    colleague.force_login(office.colleague)
    page = told(session, organizer, NOW)
    assert page.count(WARNING) == 1
    assert "One personal link was used from two places" in page
    assert f"Send a new link to {session.guest.label}" in page
    services.revoke_join_link(session.guest, by=office.staff, now=NOW)
    session.guest.refresh_from_db()
    assert WARNING not in told(session, organizer, NOW)
    # The new link begins anew, and nothing of the old one is kept beside it.
    answer(browser(SAFARI), session.guest, NOW + timedelta(minutes=1))
    assert LinkUse.objects.count() == 1
    assert warned(session) == set()


def test_who_is_only_invited_is_told_nothing(session: Session, office: Office) -> None:
    answer(browser(), session.guest, NOW)
    answer(browser(FIREFOX), session.guest, NOW)
    stranger = Client()
    stranger.force_login(office.newcomer)
    assert WARNING not in told(session, stranger, NOW)


def test_removed_people_are_not_warned_of(session: Session, office: Office) -> None:
    answer(browser(), session.guest, NOW)
    answer(browser(FIREFOX), session.guest, NOW)
    Attendee.objects.filter(pk=session.guest.pk).update(removed_at=NOW)
    assert warned(session) == set()


@pytest.mark.long
def test_places_of_one_person_are_bounded(session: Session) -> None:
    for number in range(link_uses.PLACES + 5):
        answer(browser(address=f"10.0.{number}.1"), session.guest, NOW + timedelta(minutes=2 * number))
    assert LinkUse.objects.count() == link_uses.PLACES


def test_the_database_keeps_a_place_once_and_in_order(session: Session) -> None:
    answer(browser(), session.guest, NOW)
    kept = LinkUse.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        LinkUse.objects.create(attendee=session.guest, link="x", place=kept.place, first_at=NOW, last_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        LinkUse.objects.create(
            attendee=session.guest, link="x", place="y", first_at=NOW, last_at=NOW - timedelta(seconds=1)
        )


def test_uses_are_forgotten_a_day_after_the_last_meeting(session: Session) -> None:
    answer(browser(), session.guest, NOW)
    over = session.occurrence.ends_at
    assert link_uses.forget_uses(over + timedelta(hours=23)) == 0
    assert link_uses.forget_uses(over + timedelta(hours=25)) == 1
    assert not LinkUse.objects.exists()


def test_uses_of_a_cancelled_session_are_forgotten_at_once(session: Session, office: Office) -> None:
    answer(browser(), session.guest, NOW)
    services.cancel(session.booking, by=office.staff, now=NOW, reason="")
    assert link_uses.forget_uses(NOW + timedelta(hours=1)) == 1


def test_forgetting_is_work_by_the_clock() -> None:
    assert schedule.BY_NAME["forget_link_uses"].do is link_uses.forget_uses


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_places_at_once_are_each_written_once_and_see_each_other(session: Session) -> None:
    requests = [
        RequestFactory(headers={"user-agent": agent, "accept-language": "en"}).get("/", REMOTE_ADDR=address)
        for agent in (CHROME, FIREFOX)
        for address in (*("192.0.2.1", "198.51.100.1"), *(f"10.0.{number}.1" for number in range(12)))
        for _ in range(2)
    ]
    gate = threading.Barrier(len(requests))

    def use(request: Any) -> None:
        request.user = None
        gate.wait()
        try:
            link_uses.note_use(request, session.guest, now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(requests)) as pool:
        list(pool.map(use, requests))
    uses = LinkUse.objects.all()
    assert len(uses) == link_uses.PLACES
    # The first could see nobody; all others saw it.
    assert sum(use.beside_at is None for use in uses) == 1
