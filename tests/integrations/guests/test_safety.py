"""What a personal link is worth to whom: scanners, thieves of the database, programs that cut addresses, old mails."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.db import connection
from django.test import Client

from bookings import services
from bookings.models import Answer, Attendee, BookingEvent, MeetingAnswer, Proposal
from integrations import personal, signed
from integrations.guests import link_uses
from integrations.guests.links import answer_path
from integrations.guests.links import attendee_for as answers_for
from integrations.guests.links import token_for as answer_token
from integrations.guests.models import LinkUse
from integrations.jitsi.links import attendee_for, token_for
from integrations.jitsi.models import Conference
from notifications import nudges, reminder_links, reminders
from notifications.delivery import deliver_due
from notifications.models import Message, ReminderChoice
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office
from tests.integrations.guests.people import browser, gateway, open_at
from tests.integrations.jitsi.sessions import SERVER, Session, make_keys, make_session

pytestmark = pytest.mark.django_db
_LINK = re.compile(r"https?://[^\s\"'<>]+?(/(?:[dgo]|przypomnienia)/[^\s\"'<>]+)")
_KINDS = {"invitation", "update", "reminder", "nudge", "cancellation"}


@pytest.fixture
def session(office: Office, settings: Any, tmp_path: Any) -> Session:
    for name, value in SERVER.items():
        setattr(settings, name, value)
    settings.RSVP_NUDGE_LEADS = (timedelta(days=3),)
    settings.EMAIL_URL, settings.EMAIL_BACKEND = "", "notifications.mailfiles.Backend"
    settings.MAIL_DIR, settings.CANCEL_UNDO_SECONDS, settings.MAIL_COALESCE_SECONDS = tmp_path / "mail", 0, 0
    make_keys()
    return make_session(office)


def links_in(raw: bytes) -> set[str]:
    """Return the paths of all personal addresses in a mail, whatever part they stand in."""
    texts = []
    for part in message_from_bytes(raw, policy=policy.default).walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            words = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
            texts.append(re.sub(r"\r?\n[ \t]", "", words))
        texts += [str(value) for value in part.values()]
    return {found[1].replace("&amp;", "&").rstrip(".)") for text in texts for found in _LINK.finditer(text)}


def send(when: datetime) -> list[Message]:
    """Let what is due leave; return the mails to guests that left now."""
    before = set(Message.objects.filter(state="sent").values_list("pk", flat=True))
    for later in range(3):
        with time_machine.travel(when + timedelta(minutes=later)):
            deliver_due(when + timedelta(minutes=later))
    return list(Message.objects.filter(state="sent", attendee__user=None).exclude(pk__in=before))


def all_that_may_not_change() -> list[Any]:
    models = (Attendee, Answer, Proposal, MeetingAnswer, BookingEvent, ReminderChoice, Conference)
    return [list(model.objects.order_by("pk").values()) for model in models]


def scan(mails: list[Message], when: datetime) -> int:
    """Open every link as gateways do, as soon as a mail arrives; return how many those were."""
    links = {link for mail in mails for link in links_in(bytes(mail.raw or b""))}
    before = all_that_may_not_change()
    for link in sorted(links):
        for client in (gateway(), browser("Mozilla/5.0 (compatible; Gateway/2.0)", address="198.51.100.9"), Client()):
            for method in ("head", "get"):
                assert open_at(client, link, when, method=method).status_code in {200, 302, 410}, link
    assert all_that_may_not_change() == before
    return len(links)


@pytest.mark.long
def test_scanners_that_open_every_link_of_every_mail_change_nothing(session: Session, office: Office) -> None:
    scanned: dict[str, int] = {}

    def arrive(when: datetime) -> None:
        mails = send(when)
        for kind in {mail.kind for mail in mails}:
            scanned[kind] = scan([mail for mail in mails if mail.kind == kind], when + timedelta(minutes=3))

    arrive(NOW)
    request = ask(office.staff, office.room("KOS/2.14"), start=at(12), minutes=90, participants=session_people(office))
    changed = services.change(session.booking, request, by=office.staff, now=NOW, version=session.booking.version)
    arrive(NOW + timedelta(hours=1))
    starts_at = changed.occurrences.get().starts_at
    nudges.queue_due(starts_at - timedelta(days=3))
    arrive(starts_at - timedelta(days=3))
    reminders.queue_due(starts_at - timedelta(hours=24))
    arrive(starts_at - timedelta(hours=24))
    assert not LinkUse.objects.exists()
    # A quarter of an hour before, the door is open, and one gateway calls itself a browser in all.
    reminders.queue_due(starts_at - timedelta(minutes=15))
    arrive(starts_at - timedelta(minutes=15))
    assert LinkUse.objects.count() == 2
    assert link_uses.used_from_two_places(session.booking) == {}
    with time_machine.travel(starts_at, tick=False):
        services.cancel(session.booking, by=office.staff, now=starts_at, reason="")
    arrive(starts_at + timedelta(minutes=1))
    assert set(scanned) == _KINDS
    assert all(count >= 2 for kind, count in scanned.items() if kind != "cancellation")


def session_people(office: Office) -> Any:
    from bookings.rules import Participant

    return (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example"))


def test_who_has_the_database_alone_has_no_link(session: Session, settings: Any) -> None:
    """Every column of every table is searched, as stored; then links are forged from all that is in it."""
    assert len(send(NOW)) == 2
    tokens = [token_for(session.guest), answer_token(session.guest), reminder_links.token_for(session.guest)]
    signatures = [token.rpartition("-")[2] for token in tokens]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'bytea', 'json', 'jsonb')"
        )
        for table, column, kind in cursor.fetchall():
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            # In a mail they are encoded: no mail may be found either.
            for signature in (*signatures, "MIME-Version"):
                cursor.execute(f'SELECT count(*) FROM "{table}" WHERE {text} LIKE %s', [f"%{signature}%"])
                assert cursor.fetchone() == (0,), f"{table}.{column}"
    mail = Message.objects.filter(attendee=session.guest, state="sent").latest("pk")
    assert any(signatures[0] in link for link in links_in(bytes(mail.raw or b"")))
    genuine = tokens[0]
    settings.SECRET_KEY = "the-thief-has-the-rows-but-not-this-" + "x" * 30
    assert token_for(session.guest) != genuine
    forged = token_for(session.guest)
    settings.SECRET_KEY = "x" * 56
    assert attendee_for(forged) is None


def test_a_token_is_of_one_person_one_booking_one_purpose(session: Session) -> None:
    join, answer, remind = (
        token_for(session.guest),
        answer_token(session.guest),
        reminder_links.token_for(session.guest),
    )
    assert len({join, answer, remind}) == 3
    assert [attendee_for(join), answers_for(answer), reminder_links.attendee_for(remind)] == [session.guest] * 3
    others = (attendee_for(answer), attendee_for(remind), answers_for(join), answers_for(remind))
    assert (*others, reminder_links.attendee_for(join)) == (None,) * 5
    swapped = f"{token_for(session.stranger).partition('-')[0]}-{join.partition('-')[2]}"
    assert attendee_for(swapped) is None
    # 26 letters of 32: 130 bits.
    assert re.fullmatch(r"[0-9a-z]+-[a-z2-7]{26}", join)
    moved = Attendee.objects.get(pk=session.guest.pk)
    moved.booking_id += 1
    assert personal.token_for(moved, salt="integrations.jitsi.links") != join


def test_links_end_with_the_session_and_die_with_removal_and_renewal(session: Session, office: Office) -> None:
    door, page, answer = (
        f"/d/{token_for(session.guest)}",
        f"/g/{token_for(session.guest)}",
        answer_path(session.guest),
    )
    over = session.occurrence.ends_at + timedelta(minutes=16)
    values = {"reply": "ACCEPTED", "sequence": "0", "comment": ""}
    for path in (door, page, answer):
        assert open_at(browser(), path, over).status_code == 410
    assert open_at(browser(), answer, over, method="post", **values).status_code == 410
    services.revoke_join_link(session.guest, by=office.staff, now=NOW)
    for path in (door, page, answer):
        stale = open_at(browser(), path, NOW)
        assert stale.status_code == 404
        assert "This link does not open a session" in stale.content.decode()
    session.guest.refresh_from_db()
    Attendee.objects.filter(pk=session.guest.pk).update(removed_at=NOW)
    for path in (f"/d/{token_for(session.guest)}", f"/g/{token_for(session.guest)}", answer_path(session.guest)):
        assert open_at(browser(), path, NOW).status_code == 410
    removed = open_at(browser(), answer_path(session.guest), NOW, method="post", **values)
    assert removed.status_code == 410
    assert not Answer.objects.exists()


@pytest.mark.parametrize(
    "shape",
    [
        "{}.",
        "{})",
        "{}>",
        "{},",
        "{}%20",
        "{}%20Best%20regards",
        "{}%22",
        "{}%E2%80%9D",
        "{}%3E.",
        "{}&gt;",
        "%3C{}",
        "({})",
        "{}%0D%0A",
        "{}%C2%A0",
        "{}%E2%80%8B",
        "{}/",
        "{}/.",
    ],
)
@pytest.mark.parametrize("kind", ["d", "g", "o"])
def test_what_mail_programs_take_along_is_cleaned(session: Session, kind: str, shape: str) -> None:
    token = answer_token(session.guest) if kind == "o" else token_for(session.guest)
    response = open_at(browser(), f"/{kind}/" + shape.format(token), NOW)
    if response.status_code == 302:
        assert response["Location"] == f"/{kind}/{token}"
        response = open_at(browser(), response["Location"], NOW)
    assert response.status_code == 200
    assert session.booking.title in response.content.decode()


def test_capitals_other_hyphens_and_broken_lines_are_cleaned_too(session: Session) -> None:
    token = token_for(session.guest)
    for text in (
        token.upper(),
        token.replace("-", "\u2013"),
        token.replace("-", "\u2011"),
        f"{token[:9]}=\r\n{token[9:]}",
    ):
        assert attendee_for(text) == session.guest
        assert open_at(browser(), f"/g/{quote(text)}", NOW).status_code == 200
    assert open_at(browser(), f"/D/{token.upper()}", NOW)["Location"] == f"/d/{token}"


@pytest.mark.parametrize("kind", ["d", "g", "o", "przypomnienia"])
def test_what_is_wrong_gets_a_helpful_page_and_no_error(session: Session, kind: str) -> None:
    token = token_for(session.guest)
    letters = token.replace(token[-1], "a" if token[-1] != "a" else "b")
    wrong = (
        token[:-1],
        token[:8],
        letters,
        f"{token}a",
        "0-",
        "x",
        "%00",
        "..%5c",
        "a" * 3_000,
        "ż%C5",
    )
    for text in (*wrong, signed.token(2**40, "x", salt="x"), "zzzzzzzzzzzz-" + "a" * 26):
        path = f"/{kind}/{text}" + ("/" if kind == "przypomnienia" else "")
        response = open_at(browser(), path, NOW)
        assert response.status_code == 404, path
        assert response["Referrer-Policy"] == "no-referrer", path
        assert response["X-Robots-Tag"] == "noindex, nofollow", path
        assert "link" in response.content.decode().lower(), path


@pytest.mark.parametrize("path", ["/d", "/d/", "/g/", "/o/", "/g/x/nie-ma/takiej/", "/o//"])
def test_addresses_that_are_cut_off_get_the_page_too(db: None, path: str) -> None:
    response = open_at(browser(), path, NOW)
    assert response.status_code == 404
    assert "This link does not open a session" in response.content.decode()
    assert open_at(browser(enforce_csrf_checks=True), path, NOW, method="post").status_code == 404


def test_pages_that_are_gone_lead_to_the_page(session: Session) -> None:
    token = token_for(session.guest)
    assert open_at(browser(), f"/g/{token}/nie-ma/", NOW)["Location"] == f"/g/{token}"
    assert open_at(browser(), f"/g/{token}/nie-ma/", NOW, method="post").status_code == 404


@pytest.mark.parametrize("page", ["/d/{}", "/g/{}", "/g/{}/sprawdzenie/"])
def test_no_page_tells_its_address_to_other_sites_or_search_engines(session: Session, page: str) -> None:
    response = open_at(browser(), page.format(token_for(session.guest)), NOW)
    assert response["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in response["Cache-Control"]
