"""Who opens links far too often waits; an office behind one address, and who has a genuine link, do not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from integrations.guests import pacing
from integrations.guests.links import answer_path
from integrations.jitsi.links import token_for
from integrations.pace import Pace
from notifications.reminder_links import token_for as reminders_token
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.guests.people import browser, open_at
from tests.integrations.jitsi.sessions import SERVER, Session, make_keys, make_session

pytestmark = pytest.mark.django_db
WRONG = "/{kind}/1-aaaaaaaaaaaaaaaaaaaaaaaaa{letter}"
PER = timedelta(minutes=10)


@pytest.fixture
def session(office: Office, settings: Any) -> Session:
    for name, value in SERVER.items():
        setattr(settings, name, value)
    make_keys()
    return make_session(office)


def paths(session: Session) -> list[str]:
    token = token_for(session.guest)
    reminders = f"/przypomnienia/{reminders_token(session.guest)}/"
    return [f"/d/{token}", f"/g/{token}", answer_path(session.guest), reminders]


def test_wrong_addresses_are_put_off_and_genuine_ones_of_the_same_office_are_not(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "PACE_OF_WRONG", Pace(most=5, per=PER))
    guesser, neighbour = browser(address="192.0.2.66"), browser(address="192.0.2.10")
    kinds = ("d", "g", "o", "przypomnienia", "g")
    for number, kind in enumerate(kinds):
        path = WRONG.format(kind=kind, letter="abcde"[number]) + ("/" if kind == "przypomnienia" else "")
        assert open_at(guesser, path, NOW).status_code == 404
    refused = open_at(guesser, "/d/2-bbbbbbbbbbbbbbbbbbbbbbbbbb", NOW + timedelta(minutes=4))
    assert (refused.status_code, refused["Retry-After"], refused["Referrer-Policy"]) == (429, "360", "no-referrer")
    assert "In 6 minutes you can try again" in refused.content.decode()
    assert "A link from an invitation works also now" in refused.content.decode()
    for path in paths(session):
        assert open_at(neighbour, path, NOW).status_code == 200
        assert open_at(guesser, path, NOW).status_code == 200
    assert open_at(browser(address="198.51.100.1"), WRONG.format(kind="d", letter="a"), NOW).status_code == 404
    assert open_at(guesser, WRONG.format(kind="d", letter="a"), NOW + PER).status_code == 404


def test_a_link_opened_far_too_often_waits_where_that_was_done(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "PACE_OF_ONE", Pace(most=4, per=PER))
    program, person = browser(address="203.0.113.5"), browser(address="192.0.2.10")
    for path in paths(session):
        assert open_at(program, path, NOW).status_code == 200
    refused = open_at(program, paths(session)[1], NOW + timedelta(minutes=9))
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    page = refused.content.decode()
    assert "In 1 minute it works again" in page
    assert session.booking.organizer.email in page
    assert open_at(person, paths(session)[1], NOW).status_code == 200
    other = f"/g/{token_for(session.stranger)}"
    assert open_at(program, other, NOW).status_code == 200


@pytest.mark.long
def test_wrong_addresses_of_a_whole_office_are_no_attack(session: Session) -> None:
    """Two hundred colleagues open a link of a mail that was replaced, all within a moment."""
    for number in range(200):
        colleague = browser(address=f"192.0.2.{number}")
        assert open_at(colleague, WRONG.format(kind="d", letter="a"), NOW).status_code == 404
