"""The pages on which people and sites choose their reminders, and the address that mail programs post to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import services
from bookings.models import Attendee
from integrations.guests import links as answering
from notifications import reminder_links
from notifications.models import ReminderChoice, SiteReminders
from notifications.reminder_links import reminders_url, token_for
from notifications.views import guest_reminders
from rooms.models import SiteRole
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session, make_session

pytestmark = pytest.mark.django_db

DAY, HOUR, QUARTER = timedelta(days=1), timedelta(hours=1), timedelta(minutes=15)
MINE, SITE = "/konto/przypomnienia/", "/zarzadzanie/przypomnienia/"
PERSON = {"how": "own", "leads": ["60"], "quiet": "own", "quiet_from": "20", "quiet_to": "7:30", "wants_nudge": "on"}
OF_SITE = {"how": "as_set", "quiet": "default", "nudge": "as_set", "summary": "as_set", "digest": "as_set"}


@pytest.fixture(autouse=True)
def terms_of_the_office(settings: Any) -> None:
    settings.REMINDER_LEADS, settings.REMINDER_QUIET = (DAY, QUARTER), (time(21), time(6))
    settings.RSVP_NUDGE_LEADS, settings.SUMMARY_AT, settings.DIGEST_AT = (3 * DAY,), time(15), (0, time(7))


@pytest.fixture(autouse=True)
def nobody_has_changed_anything_yet() -> Iterator[None]:
    guest_reminders.PACE._seen.clear()
    yield
    guest_reminders.PACE._seen.clear()


@pytest.fixture
def session(office: Office) -> Session:
    return make_session(office)


def signed_in(user: Any, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    user.language = language
    user.save(update_fields=["language"])
    return client


def visit(attendee: Attendee, *, query: str = "", when: datetime = NOW, method: str = "get", **data: object) -> Any:
    with time_machine.travel(when, tick=False):
        return getattr(Client(), method)(f"/przypomnienia/{token_for(attendee)}/{query}", data or None)


def send(attendee: Attendee, **more: object) -> Any:
    return visit(attendee, method="post", **{**PERSON, **more})


class TestOwn:
    def test_who_chose_nothing_sees_what_counts(self, office: Office) -> None:
        page = signed_in(office.staff).get(MINE).content.decode()
        assert "We will remind you 24 hours and 15 minutes before every meeting, not between 21:00 and 6:00." in page
        assert "As set for everybody: 24 hours and 15 minutes before" in page
        assert "As set for everybody: 21:00–6:00" in page
        for words in ("24 hours before", "1 hour before", "15 minutes before"):
            assert f"<span>{words}</span>" in page

    def test_a_choice_is_kept_and_said(self, office: Office) -> None:
        client = signed_in(office.staff)
        response = client.post(MINE, {**PERSON, "leads": ["60", "15"], "wants_summary": "on"})
        assert (response.status_code, response["Location"]) == (302, MINE)
        row = ReminderChoice.objects.get()
        assert (row.user, row.leads, row.quiet_from, row.quiet_to) == (
            office.staff,
            [HOUR, QUARTER],
            time(20),
            time(7, 30),
        )
        assert (row.wants_nudge, row.wants_summary, row.wants_digest) == (True, True, True)
        page = client.get(MINE).content.decode()
        assert "We will remind you 1 hour and 15 minutes before every meeting, not between 20:00 and 7:30." in page
        client.post(MINE, {"how": "none", "quiet": "none"})
        row.refresh_from_db()
        assert (row.leads, row.quiet, row.wants_nudge, row.wants_summary) == ([], "none", False, False)
        assert "We will not remind you of meetings." in client.get(MINE).content.decode()
        client.post(MINE, {"how": "as_set", "leads": ["60"], "quiet": "default"})
        row.refresh_from_db()
        assert (row.leads, row.quiet) == (None, "default")

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"leads": []}, "Choose at least one, or choose that none come."),
            ({"leads": ["61"]}, "61 is not one of the available choices"),
            ({"quiet_from": "25:00"}, "“25:00” is not a time. Write 10, 10:00 or 10.30."),
            ({"quiet_from": ""}, "Say at what time: 10, 10:00 or 10.30."),
            ({"quiet_from": "7:30"}, "Quiet hours can&#x27;t end when they begin."),
            ({"how": ""}, "Choose which reminders come."),
            ({"quiet": ""}, "Choose which quiet hours count."),
        ],
    )
    def test_errors_are_said_at_their_fields_and_typing_stays(
        self, office: Office, fields: dict[str, object], words: str
    ) -> None:
        response = signed_in(office.staff).post(MINE, {**PERSON, "quiet_to": "7:30", **fields})
        page = response.content.decode()
        assert response.status_code == 422
        assert "Correct 1 thing" in page
        assert page.count(words) == 2, "in the summary and at the field"
        assert 'value="7:30"' in page
        assert not ReminderChoice.objects.exists()

    def test_who_has_no_business_with_overviews_is_not_asked_and_loses_nothing(self, office: Office) -> None:
        asked = {
            who: [name for name in ("wants_summary", "wants_digest") if f'name="{name}"' in page]
            for who in ("newcomer", "staff", "manager")
            if (page := signed_in(getattr(office, who)).get(MINE).content.decode())
        }
        assert asked == {"newcomer": [], "staff": ["wants_summary"], "manager": ["wants_summary", "wants_digest"]}
        signed_in(office.newcomer).post(MINE, {"how": "none", "quiet": "default"})
        row = ReminderChoice.objects.get()
        assert (row.wants_nudge, row.wants_summary, row.wants_digest) == (False, True, True)

    def test_sites_that_differ_are_named(self, office: Office) -> None:
        SiteReminders.objects.create(site=office.biala, leads=[2 * HOUR], changed_at=NOW)
        SiteRole.objects.create(user=office.staff, site=office.biala)
        page = signed_in(office.staff).get(MINE).content.decode()
        assert "Koszykowa: 24 hours and 15 minutes before; Biała Podlaska: 2 hours before" in page
        assert "<span>2 hours before</span>" in page

    def test_it_stands_on_the_page_of_the_account(self, office: Office) -> None:
        assert MINE in signed_in(office.staff).get(reverse("account_show")).content.decode()

    def test_as_many_queries_with_three_sites_as_with_one(self, office: Office) -> None:
        client = signed_in(office.staff)
        counts = []
        for site in (None, office.biala, office.taborowa):
            if site is not None:
                SiteRole.objects.create(user=office.staff, site=site)
                SiteReminders.objects.create(site=site, leads=[HOUR], changed_at=NOW)
            with CaptureQueriesContext(connection()) as queries:
                assert client.get(MINE).status_code == 200
            counts.append(len(queries))
        assert len(set(counts)) == 1


class TestSite:
    @pytest.mark.parametrize(
        ("who", "own", "other"),
        [("newcomer", 403, 403), ("staff", 403, 403), ("manager", 200, 404), ("it_admin", 200, 200)],
    )
    def test_who_may(self, office: Office, who: str, own: int, other: int) -> None:
        client = signed_in(getattr(office, who))
        for code, status in (("KOS", own), ("BIA", other)):
            assert client.get(f"{SITE}?site={code}").status_code == status
            posted = client.post(f"{SITE}?site={code}", {**OF_SITE, "how": "none"})
            assert posted.status_code == (302 if status == 200 else status)
        assert SiteReminders.objects.count() == [own, other].count(200)

    def test_strangers_sign_in(self, client: Client, office: Office) -> None:
        for address in (MINE, SITE):
            for method in ("get", "post"):
                assert getattr(client, method)(address).url.startswith("/konto/logowanie/")
        assert not ReminderChoice.objects.exists()

    def test_a_manager_sets_everything_and_it_is_noted(self, office: Office) -> None:
        client = signed_in(office.manager)
        fields = {
            "how": "own",
            "leads": ["1440", "60"],
            "quiet": "own",
            "quiet_from": "20:00",
            "quiet_to": "7",
            "nudge": "2880",
            "summary": "own",
            "summary_at": "14",
            "digest": "own",
            "digest_weekday": "4",
            "digest_at": "12:30",
        }
        assert client.post(f"{SITE}?site=KOS", fields).status_code == 302
        row = SiteReminders.objects.get()
        assert (row.site, row.leads, row.quiet_from, row.quiet_to) == (office.koszykowa, [DAY, HOUR], time(20), time(7))
        assert (row.nudge_lead, row.summary_at, row.digest_weekday, row.digest_at) == (
            2 * DAY,
            time(14),
            4,
            time(12, 30),
        )
        page = client.get(SITE).content.decode()
        assert "reminded 24 hours and 1 hour before every meeting, not between 20:00 and 7:00." in page
        assert "Who does not answer an invitation is asked again 2 days before the meeting." in page
        assert "Piotr Zieliński" in page.partition("Who changed what")[2]
        client.post(SITE, {**OF_SITE, "nudge": "0", "summary": "none", "digest": "none"})
        row.refresh_from_db()
        assert (row.leads, row.quiet, row.nudge_lead, row.has_summary, row.has_digest) == (
            None,
            "default",
            timedelta(0),
            False,
            False,
        )

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"how": "own"}, "Choose at least one, or choose that none come."),
            ({"summary": "own", "summary_at": "noon"}, "“noon” is not a time."),
            ({"digest": "own", "digest_weekday": "2", "digest_at": ""}, "Say at what time"),
            ({"digest": "own", "digest_weekday": "", "digest_at": "7"}, "Say on which day and at what time"),
            ({"digest": "own", "digest_weekday": "9", "digest_at": "7"}, "9 is not one of the available choices"),
            ({"nudge": "1"}, "1 is not one of the available choices"),
        ],
    )
    def test_errors_are_said_at_their_fields(self, office: Office, fields: dict[str, str], words: str) -> None:
        response = signed_in(office.manager).post(SITE, {**OF_SITE, **fields})
        assert response.status_code == 422
        assert response.content.decode().count(words) == 2
        assert not SiteReminders.objects.exists()

    def test_it_admins_choose_a_site_and_managers_of_one_need_not(self, office: Office) -> None:
        chips = [
            signed_in(user).get(SITE).content.decode().count('class="chip"')
            for user in (office.manager, office.it_admin)
        ]
        assert chips == [0, 3]
        assert SITE in signed_in(office.manager).get(reverse("rules_show")).content.decode()

    def test_as_many_queries_with_ten_changes_as_with_one(self, office: Office) -> None:
        client, counts = signed_in(office.it_admin), []
        for round_ in range(3):
            for number in range(1 + round_ * 4):
                client.post(SITE, {**OF_SITE, "nudge": str(1440 * (number % 7 + 1))})
            with CaptureQueriesContext(connection()) as queries:
                client.get(SITE)
            counts.append(len(queries))
        assert len(set(counts)) == 1


class TestGuest:
    def test_the_address_leads_to_the_person_s_page(self, session: Session) -> None:
        parts = urlsplit(reminders_url(session.guest))
        assert (f"{parts.scheme}://{parts.netloc}", parts.query) == ("http://testserver", "")
        response = visit(session.guest)
        page = response.content.decode()
        assert (response.status_code, response["Content-Language"]) == (200, "en")
        assert "<strong>video@migri.example</strong>" in page
        assert "Reminders come 24 hours and 15 minutes before every meeting, not between 21:00 and 6:00." in page
        assert visit(session.stranger)["Content-Language"] == "pl"
        assert visit(session.stranger, query="?lang=en")["Content-Language"] == "en"

    def test_reading_changes_nothing(self, session: Session) -> None:
        """Programs that check links in mails open all of them, with whatever they find in them."""
        for query in ("", "?do=off", "?List-Unsubscribe=One-Click", "?how=none&quiet=none", "?zapisano=nic"):
            for method in ("get", "head"):
                assert visit(session.guest, query=query, method=method).status_code == 200
        assert visit(session.guest, method="put").status_code == 405
        assert not ReminderChoice.objects.exists()

    def test_a_choice_is_kept_for_the_address(self, session: Session) -> None:
        response = send(session.guest)
        assert response.status_code == 302
        row = ReminderChoice.objects.get()
        assert (row.user, row.address, row.leads) == (None, "video@migri.example", [HOUR])
        assert (row.quiet_from, row.quiet_to, row.wants_nudge, row.wants_summary) == (time(20), time(7, 30), True, True)
        query = "?" + urlsplit(response["Location"]).query
        page = visit(session.guest, query=query).content.decode()
        assert "The choice is saved" in page
        assert "Reminders come 1 hour before every meeting, not between 20:00 and 7:30." in page

    def test_the_choice_of_who_has_an_account_is_the_account_s(self, session: Session, office: Office) -> None:
        send(session.organizer, how="none")
        row = ReminderChoice.objects.get()
        assert (row.user, row.address, row.leads) == (office.staff, None, [])

    def test_one_press_switches_off(self, session: Session) -> None:
        response = visit(session.guest, method="post", do="off")
        assert response.status_code == 302
        assert [(row.leads, row.wants_nudge) for row in ReminderChoice.objects.all()] == [([], False)]
        page = visit(session.guest, query="?zapisano=nic").content.decode()
        assert "Reminders are switched off" in page
        assert "Send no reminders any more" not in visit(session.guest).content.decode()

    @pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", "multipart/form-data"])
    def test_a_mail_program_switches_off_from_anywhere(self, session: Session, form: str) -> None:
        """RFC 8058 3.1: no cookie, no page read before, no redirect followed."""
        client = Client(
            enforce_csrf_checks=True, headers={"origin": "https://mail.example", "sec-fetch-site": "cross-site"}
        )
        path = urlsplit(reminders_url(session.stranger)).path
        with time_machine.travel(NOW, tick=False):
            if form.startswith("multipart"):
                response = client.post(path, {"List-Unsubscribe": "One-Click"})
            else:
                response = client.post(path, "List-Unsubscribe=One-Click", content_type=form)
        assert (response.status_code, response.cookies.output()) == (200, "")
        row = ReminderChoice.objects.get()
        assert (row.address, row.leads, row.wants_nudge) == ("ktos@gmina.example", [], False)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"leads": []}, "Choose at least one, or choose that none come."),
            ({"quiet_to": "late"}, "“late” is not a time."),
            ({"quiet_to": "20:00"}, "Quiet hours can&#x27;t end when they begin."),
        ],
    )
    def test_errors_are_said_and_typing_stays(self, session: Session, fields: dict[str, object], words: str) -> None:
        response = send(session.guest, **fields)
        page = response.content.decode()
        assert (response.status_code, page.count(words)) == (422, 2)
        assert 'value="20"' in page
        assert not ReminderChoice.objects.exists()

    def test_no_token_opens_what_another_is_for(self, session: Session, office: Office) -> None:
        old = token_for(session.guest)
        for token in ("1-aaaaaaaaaaaaaaaaaaaaaaaaaa", "x", "%00", "9" * 40, answering.token_for(session.guest)):
            for method in ("get", "post"):
                response = getattr(Client(), method)(f"/przypomnienia/{token}/", {"List-Unsubscribe": "One-Click"})
                assert response.status_code == 404
        assert Client().get(f"/o/{old}").status_code == 404
        services.revoke_join_link(session.guest, by=office.staff, now=NOW)
        assert Client().get(f"/przypomnienia/{old}/").status_code == 404
        session.guest.refresh_from_db()
        assert visit(session.guest).status_code == 200
        assert not ReminderChoice.objects.exists()

    @pytest.mark.parametrize("what", ["removed", "over"])
    def test_what_is_over_changes_nothing_and_says_where_to_go(self, session: Session, what: str) -> None:
        last = session.occurrence.ends_at + reminder_links.OPEN_FOR
        when = last if what == "over" else NOW
        if what == "removed":
            Attendee.objects.filter(pk=session.guest.pk).update(removed_at=NOW)
        assert visit(session.stranger, when=last - timedelta(seconds=1)).status_code == 200
        for method, data in (("get", {}), ("post", {"List-Unsubscribe": "One-Click"}), ("post", PERSON)):
            response = visit(session.guest, method=method, when=when, **data)
            assert response.status_code == 410
            assert "open the link in the newest message" in response.content.decode()
        assert not ReminderChoice.objects.exists()

    def test_a_cancelled_session_still_leads_to_the_choice(self, session: Session, office: Office) -> None:
        services.cancel(session.booking, by=office.staff, now=NOW)
        assert visit(session.guest).status_code == 200

    def test_the_address_leaks_nowhere(self, session: Session) -> None:
        for response in (visit(session.guest), send(session.guest), visit(session.guest, when=NOW + 400 * DAY)):
            assert (response["Referrer-Policy"], response["X-Robots-Tag"]) == ("no-referrer", "noindex, nofollow")
            assert "no-store" in response["Cache-Control"]
            assert response.cookies.output() == ""

    def test_a_program_that_changes_without_end_is_stopped(self, session: Session) -> None:
        for number in range(30):
            assert send(session.guest, leads=["60"] if number % 2 else ["15"]).status_code == 302
        response = send(session.guest, how="none")
        assert (response.status_code, int(response["Retry-After"])) == (429, 3600)
        assert 'value="7:30"' in response.content.decode()
        assert ReminderChoice.objects.get().leads == [HOUR]
        assert visit(session.guest).status_code == 200
        assert send(session.stranger).status_code == 302
        assert visit(session.guest, method="post", when=NOW + HOUR, do="off").status_code == 302

    def test_few_queries(self, session: Session) -> None:
        with CaptureQueriesContext(connection()) as queries:
            assert visit(session.guest).status_code == 200
        assert len(queries) <= 5


def connection() -> Any:
    from django.db import connection

    return connection
