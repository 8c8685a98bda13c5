"""A join address is one person's, for one booking, as long as their key lasts."""

from __future__ import annotations

import re

from django.conf import settings as django_settings

from integrations.jitsi.links import attendee_for, join_url, token_for
from tests.integrations.jitsi.sessions import Session


def test_address_is_absolute_short_and_free_of_punctuation_at_its_end(session: Session) -> None:
    url = join_url(session.guest)
    assert re.fullmatch(r"http://testserver/d/[0-9a-z]+-[a-z2-7]{26}", url)
    assert len(url) < 76


def test_token_leads_back_to_its_person_only(session: Session) -> None:
    people = [session.organizer, session.guest, session.stranger]
    assert [attendee_for(token_for(person)) for person in people] == people
    assert len({token_for(person) for person in people}) == 3


def test_token_read_in_capitals_works(session: Session) -> None:
    assert attendee_for(token_for(session.guest).upper()) == session.guest


def test_any_changed_character_makes_it_worthless(session: Session) -> None:
    token = token_for(session.guest)
    for position, letter in enumerate(token):
        changed = token[:position] + ("b" if letter != "b" else "c") + token[position + 1 :]
        assert attendee_for(changed) is None


def test_signature_of_one_person_does_not_serve_another(session: Session) -> None:
    number, _dash, _signature = token_for(session.stranger).partition("-")
    _number, _dash, signature = token_for(session.guest).partition("-")
    assert attendee_for(f"{number}-{signature}") is None


def test_nonsense_is_nobody(db: None) -> None:
    for token in (
        "",
        "-",
        "zzzzzzzzzzzz-" + "a" * 26,
        "1-" + "a" * 25,
        "ż-" + "a" * 26,
        "\x00",
        "a" * 5000,
        "İ-" + "a" * 26,
    ):
        assert attendee_for(token) is None


def test_renewed_key_kills_the_old_link(session: Session) -> None:
    old = token_for(session.guest)
    session.guest.join_key = "another-key"
    session.guest.save()
    assert attendee_for(old) is None
    assert attendee_for(token_for(session.guest)) == session.guest


def test_rotated_secret_key_keeps_old_links_while_it_is_a_fallback(session: Session, settings: object) -> None:
    token = token_for(session.guest)
    old, settings.SECRET_KEY = django_settings.SECRET_KEY, "another-secret-key-another-secret-key-another-1"
    assert attendee_for(token) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert attendee_for(token) == session.guest
    assert token_for(session.guest) != token


def test_token_costs_one_query(session: Session, django_assert_num_queries) -> None:
    token = token_for(session.guest)
    with django_assert_num_queries(1):
        found = attendee_for(token)
        assert found is not None
        assert found.booking.organizer.name == "Anna Wrzesińska"
