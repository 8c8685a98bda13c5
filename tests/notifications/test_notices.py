"""Mails to users that no calendar hears of: who gets them, what they say, and when they are no news any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from bookings import services
from bookings.events import Topic, notify
from bookings.models import Booking
from bookings.rules import BookingRequest, Participant
from notifications.compose import Mail
from notifications.models import Message
from rooms.models import Closure
from tests.bookings.requests import NOW, ask
from tests.bookings.series import ask_series, meetings
from tests.factories import Office
from tests.notifications.calendars import Post
from tests.notifications.letters import read
from tests.notifications.outbox_rows import MIGRI
from tests.notifications.test_compose import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_for_approval(office: Office) -> Booking:
    wanted = ask(office.staff, office.room("KOS/3.01"), participants=(Participant(email=MIGRI),))
    return services.book(wanted, by=office.staff, now=NOW)


def notices() -> list[Mail]:
    return [mail for mail in Post().deliver(NOW + timedelta(minutes=1)) if mail.calendar is None]


def test_approver_is_asked_with_a_way_to_answer(office: Office, request_for_approval: Booking) -> None:
    [mail] = notices()
    assert mail.recipient == office.manager.email
    assert mail.subject == "Wniosek czeka na odpowiedź: Konsultacje z Mazowieckim UW"
    assert mail.text.splitlines()[:5] == [
        "Wniosek czeka na odpowiedź",
        "Konsultacje z Mazowieckim UW",
        "",
        "wtorek, 24 listopada 2026, 10:00–11:00 czas polski (UTC+1)",
        "Gabinet narad 3.01, Koszykowa 16",
    ]
    assert "Anna Wrzesińska prosi o zgodę." in mail.text
    address = f"{reverse('approval_list')}#approval-{request_for_approval.approvals.get().pk}"
    assert address in mail.text
    assert address in mail.html
    assert "osobisty" not in mail.text
    found = read(mail.raw)
    assert (found.calendar, found.message["Auto-Submitted"]) == (None, "auto-generated")


def test_asking_is_no_news_once_it_is_answered(office: Office, request_for_approval: Booking) -> None:
    services.decline(request_for_approval.approvals.get(), by=office.manager, now=NOW, answer="Sala w remoncie.")
    [mail] = notices()
    assert (mail.recipient, mail.text.splitlines()[0]) == (office.staff.email, "Brak zgody na wniosek")
    assert "Piotr Zieliński: „Sala w remoncie.”" in mail.text
    assert set(Message.objects.values_list("kind", "state")) == {("notice", "superseded"), ("notice", "sent")}


def test_answer_reaches_the_asker_and_then_everybody_is_invited(office: Office, request_for_approval: Booking) -> None:
    services.approve(request_for_approval.approvals.get(), by=office.manager, now=NOW)
    mails = Post().deliver(NOW)
    assert [(mail.recipient, mail.calendar is None) for mail in mails] == [
        (office.staff.email, True),
        (MIGRI, False),
        # Behind the answer in the same line.
        (office.staff.email, False),
    ]


def test_unanswered_request_goes_to_it_admins_and_lapses(office: Office, request_for_approval: Booking) -> None:
    approval = request_for_approval.approvals.get()
    Post().deliver(NOW)
    services.escalate_and_expire(approval.escalates_at)
    [mail] = Post().deliver(approval.escalates_at)
    assert mail.recipient == office.it_admin.email
    assert "dlatego pytamy także Państwa" in mail.text
    services.escalate_and_expire(approval.expires_at)
    services.escalate_and_expire(approval.expires_at)
    [mail] = [mail for mail in Post().deliver(approval.expires_at) if mail.calendar is None]
    assert (mail.recipient, mail.text.splitlines()[0]) == (office.staff.email, "Wniosek wygasł")


def test_offer_of_the_waiting_list_names_its_end_and_is_dropped_after_it(office: Office) -> None:
    wanted = ask(office.staff, office.room("KOS/2.14"))
    taken = services.book(wanted, by=office.staff, now=NOW)
    entry = services.join_waitlist(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    Message.objects.all().delete()
    services.cancel(taken, by=office.staff, now=NOW)
    entry.refresh_from_db()
    assert entry.offer_expires_at is not None
    [mail] = notices()
    assert mail.text.splitlines()[0] == "Zwolnił się termin, na który Państwo czekają"
    assert f"{reverse('waiting_list')}#entry-{entry.pk}" in mail.text
    notify(Topic.WAITLIST_OFFER, user_ids=[office.staff.pk], at=NOW, data={"entry": entry.pk})
    services.lapse_offers(entry.offer_expires_at)
    [mail] = Post().deliver(entry.offer_expires_at)
    assert mail.text.splitlines()[0] == "Propozycja wygasła"


def test_every_user_is_told_once_in_their_language(office: Office) -> None:
    booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    Message.objects.all().delete()
    office.colleague.language = "en"
    office.colleague.save()
    office.newcomer.is_active = False
    office.newcomer.save()
    users = [office.staff.pk, office.colleague.pk, office.staff.pk, office.newcomer.pk]
    data = {"meetings": [{"at": "2026-12-01T09:00:00+00:00", "title": "Inny tytuł"}]}
    notify("changes_dropped", user_ids=users, at=NOW, booking=booking, data=data)
    mails = {mail.recipient: mail for mail in notices()}
    assert list(mails) == [office.staff.email, office.colleague.email]
    assert "- wt. 1 gru 2026, 10:00 · Inny tytuł" in mails[office.staff.email].text
    assert "Single changes of your series were dropped" in mails[office.colleague.email].text
    for mail in mails.values():
        shown = words_of(mail.html)
        for line in mail.text.splitlines():
            assert " ".join(line.removeprefix("- ").removesuffix(":").split()) in shown


def test_closure_names_what_is_closed_why_and_which_meetings(office: Office) -> None:
    booking = services.book(ask_series(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    Message.objects.all().delete()
    closure = Closure.objects.create(
        title="malowanie",
        title_en="painting",
        room=office.room("KOS/2.14"),
        local_start="2026-12-01T07:00",
        local_end="2026-12-02T18:00",
        created_by=office.manager,
        created_at=NOW,
    )
    data = {"closure": closure.pk, "occurrences": [meetings(booking)[1].pk]}
    office.colleague.language = "en"
    office.colleague.save()
    users = [office.staff.pk, office.colleague.pk]
    notify(Topic.CLOSURE_HITS, user_ids=users, at=NOW, booking=booking, data=data)
    polish, english = notices()
    assert "Sala wideo 2.14: w czasie Państwa sesji nieczynne. Powód: malowanie." in polish.text
    assert "- wtorek, 1 grudnia 2026, 10:00–11:00 czas polski (UTC+1)" in polish.text
    assert "Sala wideo 2.14 can't be used at the time of your session: painting." in english.text
    assert reverse("booking_show", args=[booking.number]) in english.text


def test_topics_are_a_closed_set(office: Office) -> None:
    with pytest.raises(ValueError, match="weather"):
        notify("weather", user_ids=[office.staff.pk], at=NOW)


def test_it_admins_read_notices_that_are_about_no_session(office: Office, admin_client: Client) -> None:
    entry = services.join_waitlist(_taken(office), by=office.staff, now=NOW)
    Message.objects.all().delete()
    notify(Topic.WAITLIST_LAPSED, user_ids=[office.staff.pk], at=NOW, data={"entry": entry.pk})
    Post().deliver(NOW)
    message = Message.objects.get()
    assert message.booking is None
    assert "Propozycja wygasła" in admin_client.get(reverse("notifications:mail_list")).content.decode()
    assert admin_client.get(reverse("notifications:mail_show", args=[message.pk])).status_code == 200


def _taken(office: Office) -> BookingRequest:
    wanted = ask(office.staff, office.room("KOS/2.14"))
    services.book(wanted, by=office.staff, now=NOW)
    return wanted
