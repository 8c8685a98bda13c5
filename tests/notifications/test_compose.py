"""What each kind of mail says, in whose language and whose time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from django.utils import translation

from bookings import services
from bookings.models import Attendee
from bookings.rules import Participant
from integrations.guests.links import answer_url
from integrations.jitsi.links import join_url
from notifications.compose import Mail, compose
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office
from tests.integrations.ical.meetings import parsed
from tests.integrations.jitsi.sessions import Session, make_session
from tests.notifications.letters import arrived, queued, reminder

TITLE = "Konsultacje z Mazowieckim UW"


@pytest.fixture
def session(office: Office) -> Session:
    office.staff.unit = "Departament Legalizacji Pobytu"
    office.staff.save()
    return make_session(office, description="Omówimy zaległości.\n\nProgram:\n1. wzory pism\n2. <pytania> & odpowiedzi")


def mail_to(attendee: Attendee) -> Mail:
    return compose(queued(attendee.booking, attendee), now=NOW)


OTHER_WAYS = (
    "Można też odpowiedzieć w swoim kalendarzu: organizator zobaczy każdą z tych odpowiedzi. "
    "Zobaczy także, co Państwo odpiszą na tę wiadomość."
)


def words_of(html: str) -> str:
    """Return the words that a person reads in the HTML, in order."""
    body = re.sub(r"<(style|title)\b.*?</\1>", "", html, flags=re.DOTALL)
    body = re.sub(r'<div class="preview".*?</div>', "", body, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_invitation_in_polish_is_exactly_this(session: Session) -> None:
    mail = mail_to(session.stranger)
    assert mail.subject == f"Zaproszenie: {TITLE} (wt. 24 lis 2026, 11:00)"
    assert (
        mail.text
        == f"""Zaproszenie na wideokonferencję
{TITLE}

wtorek, 24 listopada 2026
11:00–12:30 czas polski (UTC+1)

Dołącz do sesji:
{join_url(session.stranger)}

Szanowni Państwo,

Anna Wrzesińska zaprasza Państwa na wideokonferencję.

Omówimy zaległości.

Program:
1. wzory pism
2. <pytania> & odpowiedzi

Czy wezmą Państwo udział?
Tak: {answer_url(session.stranger)}?a=tak
Nie: {answer_url(session.stranger)}?a=nie
Inny termin: {answer_url(session.stranger)}?a=inny
{OTHER_WAYS}

Jak dołączyć
W przeglądarce, bez instalacji. Nie trzeba mieć konta. Wejście otwieramy 15 minut przed początkiem.

Gdzie
- Sala wideo 2.14, ul. Koszykowa 16, 00-564 Warszawa
- Sala wideo 5, Ośrodek dla Cudzoziemców w Białej Podlaskiej, Biała Podlaska

Pytania albo inny termin
Anna Wrzesińska
Departament Legalizacji Pobytu
tel. 4412
anna.wrzesinska@urzad.example

Termin do kalendarza jest w załączniku: invite.ics.

Link jest osobisty, prosimy go nie przekazywać. Wiadomość wysłał system Narada w imieniu: Urząd do Spraw Cudzoziemców.
"""
    )


def test_invitation_in_english_gives_the_readers_zone_first(session: Session) -> None:
    mail = mail_to(session.guest)
    assert mail.subject == f"Invitation: {TITLE} (Tue 24 Nov 2026, 12:00)"
    assert (
        "Tuesday, 24 November 2026\n12:00–13:30 Helsinki time (UTC+2)\n11:00–12:30 Polish time (UTC+1)\n" in mail.text
    )
    assert "Anna Wrzesińska invites you to a videoconference." in mail.text
    assert "Dołącz" not in mail.text
    assert join_url(session.guest) in mail.text


def test_day_is_named_again_where_it_is_another_one(session: Session) -> None:
    session.guest.time_zone = "Asia/Tokyo"
    session.guest.save()
    services.change(
        session.booking,
        ask(
            session.booking.organizer,
            start=at(16, 30),
            participants=(Participant(contact_id=session.guest.contact_id),),
        ),
        by=session.booking.organizer,
        now=NOW,
        version=1,
    )
    text = mail_to(session.guest).text
    assert "Wednesday, 25 November 2026\n0:30–1:30 Tokyo time (UTC+9)\nTue 24 November, 16:30–17:30 Polish time" in text


def test_language_and_zone_are_the_recipients_whatever_is_active(session: Session) -> None:
    for active in ("en", "pl"):
        with translation.override(active):
            assert mail_to(session.stranger).subject.startswith("Zaproszenie: ")
            assert mail_to(session.guest).subject.startswith("Invitation: ")
            assert translation.get_language() == active


def test_html_says_what_the_text_says(session: Session, office: Office) -> None:
    mails = [mail_to(person) for person in (session.organizer, session.guest, session.stranger)]
    for person in (session.guest, session.stranger):
        arrived(queued(session.booking, person))
        mails.append(compose(reminder(person, lead=timedelta(hours=24)), now=session.at(hours=-24)))
    request = ask(office.staff, office.room("KOS/2.16"), start=at(13), title="Inny <tytuł>", description="nowy opis")
    people = (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example"))
    booking = services.change(
        session.booking, replace(request, participants=people), by=office.staff, now=NOW, version=1
    )
    mails += [arrived(queued(booking, person)) for person in (session.guest, session.stranger)]
    services.cancel(booking, by=office.staff, now=NOW, reason="choroba <tłumacza>")
    mails += [mail_to(person) for person in (session.guest, session.stranger)]

    assert len(mails) == 9
    for mail in mails:
        shown = words_of(mail.html)
        # The text marks the rooms of a list with a dash; buttons stand where the text has addresses.
        for line in mail.text.splitlines():
            words = re.sub(r"( http://testserver/o/|^http://testserver/przypomnienia/)\S+", "", line)
            wanted = " ".join(words.removeprefix("- ").removesuffix(":").split())
            assert wanted in shown


@pytest.mark.parametrize("who", ["guest", "stranger", "organizer"])
def test_html_needs_nothing_from_elsewhere_and_is_small(session: Session, who: str) -> None:
    person = getattr(session, who)
    html = mail_to(person).html
    assert len(html.encode()) < 40_000
    assert re.findall(r"<(?:img|script|link|iframe|form|object)\b", html) == []
    assert "url(" not in html
    assert f'<html lang="{person.language}"' in html
    assert set(re.findall(r"<table(?![^>]*role=\"presentation\")", html)) == set()
    assert "@media (prefers-color-scheme: dark)" in html
    assert set(re.findall(r'href="([^"]+)"', html)) <= {
        join_url(person),
        *(f"{answer_url(person)}?a={choice}" for choice in ("tak", "nie", "inny")),
        "tel:4412",
        "mailto:anna.wrzesinska@urzad.example",
    }


def test_longest_description_fits(session: Session) -> None:
    session.booking.description = "Ść <&> „długi”\n\n" * 330
    session.booking.save()
    mail = mail_to(session.guest)
    assert len(mail.html.encode()) < 40_000
    assert mail.html.count("&lt;&amp;&gt;") == 330


def test_texts_of_people_are_escaped_in_html_only(session: Session) -> None:
    session.booking.title = "<script>alert(1)</script> & 'co'"
    session.booking.save()
    mail = mail_to(session.guest)
    assert "<script>alert(1)</script> & 'co'" in mail.text
    assert "<script>alert(1)</script> & 'co'" in mail.subject
    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html


def test_organizer_is_told_of_their_part(session: Session) -> None:
    mail = mail_to(session.organizer)
    assert "to kopia dla Państwa. Zaproszenia dostają 2 uczestnicy, każdy z własnym linkiem." in mail.text
    assert "Państwo otwierają konferencję: można wejść 60 minut przed początkiem." in mail.text
    assert "Pytania albo inny termin" not in mail.text
    assert parsed(mail.calendar or b"")["ATTENDEE"].params["ROLE"] == "CHAIR"


def test_guests_do_not_see_each_other(session: Session) -> None:
    raw = mail_to(session.guest).raw + mail_to(session.guest).html.encode() + (mail_to(session.guest).calendar or b"")
    assert b"ktos@gmina.example" not in raw
    assert b"video@migri.example" in raw


@pytest.mark.parametrize(
    ("hours", "kicker"),
    [(15, "Reminder: session tomorrow"), (2, "Reminder: session today"), (72, "Reminder of the session")],
)
def test_reminder_says_when_in_the_readers_days(session: Session, hours: int, kicker: str) -> None:
    mail = compose(reminder(session.guest, lead=timedelta(hours=24)), now=session.at(hours=-hours))
    assert mail.text.splitlines()[0] == kicker
    assert mail.subject == f"Reminder: {TITLE} (Tue 24 Nov 2026, 12:00)"
    assert "this is a reminder of the session organised by Anna Wrzesińska." in mail.text
    assert join_url(session.guest) in mail.text
    assert "If your plans have changed, please answer below." in mail.text
    for chosen in ("tak", "nie", "inny"):
        assert f"{answer_url(session.guest)}?a={chosen}\n" in mail.text
        assert f'href="{answer_url(session.guest)}?a={chosen}"' in mail.html
    assert mail.calendar is None
    assert "invite.ics" not in mail.text


def test_cancellation_gives_the_reason_and_no_link(session: Session, office: Office) -> None:
    arrived(queued(session.booking, session.stranger))
    booking = services.cancel(session.booking, by=office.staff, now=NOW, reason="choroba tłumacza")
    mail = mail_to(session.stranger)
    assert mail.subject == f"Odwołane: {TITLE} (wt. 24 lis 2026, 11:00)"
    assert mail.text.splitlines()[0] == "Sesja jest odwołana"
    assert "Powód: choroba tłumacza\n" in mail.text
    assert "anna.wrzesinska@urzad.example" in mail.text
    assert join_url(session.stranger) not in mail.text + mail.html
    event = parsed(mail.calendar or b"")
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", booking.sequence)
    assert event["LOCATION"].startswith("Sala wideo 2.14, ul. Koszykowa 16")


def test_removed_person_is_told_that_only_they_are_out(session: Session, office: Office) -> None:
    arrived(queued(session.booking, session.guest))
    request = ask(office.staff, office.room("KOS/2.14"), office.room("BIA/5"), start=at(11), minutes=90)
    stays = (Participant(email="ktos@gmina.example"),)
    booking = services.change(
        session.booking, replace(request, participants=stays), by=office.staff, now=NOW, version=1
    )
    services.change(
        booking, replace(request, participants=stays, local_start=at(9)), by=office.staff, now=NOW, version=2
    )
    mail = mail_to(session.guest)
    assert mail.subject == f"Cancelled: {TITLE} (Tue 24 Nov 2026, 12:00)"
    assert mail.text.splitlines()[0] == "Your invitation is withdrawn"
    assert "The session takes place without you." in mail.text
    event = parsed(mail.calendar or b"")
    # The SEQUENCE of the change that removed them, not of what happened to the others later.
    assert (event["STATUS"], event["SEQUENCE"], event["DTSTART"].dt.hour) == ("CANCELLED", 1, 11)
