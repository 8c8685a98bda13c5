"""What organizers see of a conference that runs, and do with it: on pages, with a Prosody behind them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bookings.models import Attendee, BookingEvent, Occurrence
from integrations.jitsi import moderating
from integrations.jitsi.models import Conference, Presence
from integrations.jitsi.servers import all_servers
from tests.factories import Office
from tests.integrations.jitsi.inside import Inside, Prosody, Reply, inside, remember_keys
from tests.integrations.jitsi.sessions import Session

pytestmark = pytest.mark.django_db

Kind = BookingEvent.Kind
ANNA, MIGRI, PHONE = (f"{digit * 8}-21ea-4ce6@meet.urzad.example/x" for digit in "123")


@pytest.fixture
def prosody(session: Session) -> Prosody:
    remember_keys()
    names = {"1" * 8: "Anna Wrzesińska", "2" * 8: session.guest.name, "3" * 8: "+48 22 555"}
    return Prosody({session.booking.conference_name: names})


@pytest.fixture
def running(prosody: Prosody, settings: object) -> Iterator[Inside]:
    with inside(prosody) as server:
        settings.JITSI_CONTROL_URL, settings.JITSI_TIMEOUT_SECONDS = server.url, 1
        yield server


@pytest.fixture
def conference(session: Session, running: Inside) -> Conference:
    """The session runs since half an hour, by the clock of the machine, and for an hour yet."""
    now = timezone.now().replace(microsecond=0)
    starts_at, ends_at = now - timedelta(minutes=30), now + timedelta(minutes=60)
    Occurrence.objects.filter(pk=session.occurrence.pk).update(starts_at=starts_at, ends_at=ends_at)
    opened = Conference.objects.create(
        server=all_servers()[0],
        name=session.booking.conference_name,
        occurrence=session.occurrence,
        opened_at=starts_at,
        promised_until=ends_at + timedelta(minutes=60),
        people_now=4,
    )
    for jid, person in ((ANNA, session.organizer), (MIGRI, session.guest), (PHONE, None)):
        Presence.objects.create(conference=opened, occupant_jid=jid, attendee=person, joined_at=starts_at)
    return opened


def show(client: Client, session: Session) -> str:
    response = client.get(reverse("booking_show", args=[session.booking.number]))
    assert response.status_code == 200
    return response.content.decode()


def remove_url(session: Session, jid: str) -> str:
    presence = Presence.objects.get(occupant_jid=jid)
    return reverse("jitsi_person_remove", args=[session.booking.number, presence.pk])


def end_url(session: Session) -> str:
    return reverse("jitsi_conference_end", args=[session.booking.number])


@pytest.fixture
def as_organizer(office: Office) -> Client:
    return signed_in(office.staff)


def signed_in(user: object) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def events_of(session: Session) -> list[tuple[str, object, dict[str, object]]]:
    kinds = (Kind.PERSON_REMOVED, Kind.CONFERENCE_CLOSED)
    found = BookingEvent.objects.filter(booking=session.booking, kind__in=kinds).order_by("pk")
    return [(event.kind, event.actor, event.data) for event in found]


def test_the_page_says_who_is_inside_without_asking_anybody(
    session: Session, conference: Conference, as_organizer: Client, running: Inside
) -> None:
    page = show(as_organizer, session)

    panel = page[page.index('id="live"') :].partition("</details>")[0]
    assert session.guest.name in panel
    assert panel.count("jitsi_person") == 0
    assert panel.count("/usun/") == 3
    assert end_url(session) in panel
    assert running.asked == []


def test_nothing_is_shown_of_what_does_not_run_and_to_whom_it_is_none_of_their_business(
    office: Office, session: Session, conference: Conference, as_organizer: Client
) -> None:
    Attendee.objects.filter(pk=session.stranger.pk).update(user=office.colleague)
    assert 'id="live"' not in show(signed_in(office.colleague), session)
    Conference.objects.update(closed_at=timezone.now(), closed_by=Conference.Closed.LEFT)
    assert 'id="live"' not in show(as_organizer, session)


def test_the_list_takes_as_many_queries_for_three_people_as_for_one(
    session: Session, conference: Conference, as_organizer: Client
) -> None:
    show(as_organizer, session)
    with CaptureQueriesContext(connection) as many:
        show(as_organizer, session)
    Presence.objects.exclude(occupant_jid=ANNA).delete()
    with CaptureQueriesContext(connection) as one:
        show(as_organizer, session)
    assert len(many) == len(one)


@pytest.mark.parametrize("user", ["staff", "manager", "it_admin"])
def test_a_person_is_taken_out_after_a_question(
    office: Office, session: Session, conference: Conference, prosody: Prosody, user: str
) -> None:
    client, url = signed_in(getattr(office, user)), remove_url(session, MIGRI)
    asked = client.get(url)
    assert session.guest.name in asked.content.decode()
    assert prosody.rooms[conference.name].keys() >= {"2" * 8}

    response = client.post(url)

    assert response.status_code == 302
    assert "2" * 8 not in prosody.rooms[conference.name]
    assert events_of(session) == [(Kind.PERSON_REMOVED, getattr(office, user), {"attendee": session.guest.pk})]


def test_the_question_says_that_jitsi_lets_them_in_again(
    session: Session, conference: Conference, as_organizer: Client
) -> None:
    page = as_organizer.get(remove_url(session, MIGRI)).content.decode()

    assert "nobody can take it back" in page or "nikt nie może" in page


@pytest.mark.parametrize("user", ["colleague", "newcomer"])
def test_who_may_not_change_a_session_takes_nobody_out_of_it(
    office: Office, session: Session, conference: Conference, running: Inside, user: str
) -> None:
    client = signed_in(getattr(office, user))
    for url in (remove_url(session, MIGRI), end_url(session)):
        assert client.get(url).status_code == 404
        assert client.post(url).status_code == 404
    Attendee.objects.filter(pk=session.stranger.pk).update(user=getattr(office, user))
    for url in (remove_url(session, MIGRI), end_url(session)):
        assert client.post(url).status_code == 403
    assert running.asked == []
    assert Client().post(end_url(session)).status_code == 302


def test_with_a_new_link_the_old_one_opens_nothing(
    session: Session, conference: Conference, as_organizer: Client
) -> None:
    as_organizer.post(remove_url(session, MIGRI), {"link": "new"})

    assert Attendee.objects.get(pk=session.guest.pk).join_key != session.guest.join_key


def test_somebody_on_the_telephone_is_taken_out_by_their_address(
    session: Session, conference: Conference, as_organizer: Client, prosody: Prosody, office: Office
) -> None:
    assert as_organizer.post(remove_url(session, PHONE)).status_code == 302
    assert "3" * 8 not in prosody.rooms[conference.name]
    assert events_of(session) == [(Kind.PERSON_REMOVED, office.staff, {})]


def test_where_the_nick_is_another_one_the_only_one_of_that_name_is_meant(
    session: Session, conference: Conference, as_organizer: Client, prosody: Prosody
) -> None:
    prosody.rooms[conference.name] = {"aaaaaaaa": session.guest.name, "bbbbbbbb": "Anna Wrzesińska"}

    assert as_organizer.post(remove_url(session, MIGRI)).status_code == 302
    assert prosody.rooms[conference.name] == {"bbbbbbbb": "Anna Wrzesińska"}


@pytest.mark.parametrize("names", [("x", "y"), ("twice", "twice")])
def test_where_it_can_t_be_told_who_it_is_nobody_is_taken_out(
    session: Session, conference: Conference, as_organizer: Client, prosody: Prosody, names: tuple[str, str]
) -> None:
    shown = [session.guest.name if name == "twice" else name for name in names]
    prosody.rooms[conference.name] = dict(zip(("aaaaaaaa", "bbbbbbbb"), shown, strict=True))

    response = as_organizer.post(remove_url(session, MIGRI))

    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert len(prosody.rooms[conference.name]) == 2
    assert events_of(session) == []


def test_who_has_left_meanwhile_is_no_error(
    session: Session, conference: Conference, as_organizer: Client, prosody: Prosody
) -> None:
    url = remove_url(session, MIGRI)
    prosody.rooms.clear()
    assert as_organizer.post(url).status_code == 302
    Presence.objects.filter(occupant_jid=MIGRI).update(left_at=timezone.now())
    assert as_organizer.get(url).status_code == 302
    assert events_of(session) == []


@pytest.mark.parametrize("user", ["staff", "manager", "it_admin"])
def test_the_conference_ends_for_everybody_after_a_question(
    office: Office, session: Session, conference: Conference, prosody: Prosody, user: str
) -> None:
    client = signed_in(getattr(office, user))
    assert "4" in client.get(end_url(session)).content.decode()
    assert prosody.rooms != {}

    assert client.post(end_url(session)).status_code == 302

    assert prosody.rooms == {}
    conference.refresh_from_db()
    assert conference.closed_by == Conference.Closed.ENDED
    assert events_of(session) == [(Kind.CONFERENCE_CLOSED, getattr(office, user), {})]
    # Once more, from a page that was open: it is over, and said so.
    assert client.post(end_url(session)).status_code == 302
    assert len(events_of(session)) == 1


def test_two_who_end_it_at_once_end_it_once(office: Office, session: Session, conference: Conference) -> None:
    """Both have read it as it was: the second finds on the server that it is over."""
    for user in (office.staff, office.manager):
        moderating.end(conference, by=user, now=timezone.now())
    assert events_of(session) == [(Kind.CONFERENCE_CLOSED, office.staff, {})]


def test_a_server_that_is_silent_says_so_and_nothing_is_noted(
    session: Session, conference: Conference, as_organizer: Client, running: Inside
) -> None:
    running.script = lambda _asked: Reply(503)

    for url in (end_url(session), remove_url(session, MIGRI)):
        response = as_organizer.post(url)
        assert response.status_code == 422
        assert 'role="alert"' in response.content.decode()
    conference.refresh_from_db()
    assert conference.closed_at is None
    assert events_of(session) == []


def test_without_control_the_page_says_that_moderators_can(
    session: Session, conference: Conference, as_organizer: Client, settings: object, running: Inside
) -> None:
    settings.JITSI_ALGORITHM = "HS256"
    all_servers()

    page = show(as_organizer, session)
    panel = page[page.index('id="live"') :].partition("</details>")[0]
    assert "/usun/" not in panel
    assert as_organizer.post(end_url(session)).status_code == 422
    assert running.asked == []


@pytest.mark.parametrize(("minutes", "is_said"), [(60, False), (31, False), (29, True), (0, True)])
def test_p9_beside_the_buttons_stands_what_jitsi_can_t_do(
    session: Session, conference: Conference, as_organizer: Client, minutes: int, is_said: bool
) -> None:
    ends_at = Occurrence.objects.get(pk=session.occurrence.pk).ends_at
    Conference.objects.update(promised_until=ends_at + timedelta(minutes=minutes))

    page = show(as_organizer, session)

    closes = timezone.localtime(ends_at + timedelta(minutes=minutes))
    quick = page[page.index("quickacts") :].partition("</details>")[0]
    said = f"{closes.hour}:{closes.minute:02d}, the conference closes then for a moment"
    assert (said in quick or f"{closes.hour}:{closes.minute:02d}, konferencja" in quick) == is_said
