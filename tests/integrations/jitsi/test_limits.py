"""What people in a conference are told when its time ends, how long it holds its seats, and when it is ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from bookings import services
from bookings.models import LicenceHold, Occurrence, UnplannedConference
from integrations.jitsi import limits
from integrations.jitsi.models import Conference, ConferenceWarning, Presence, ServerHealth
from integrations.jitsi.servers import all_servers
from rooms.models import LicenceGrant
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office
from tests.integrations.jitsi.inside import HANG, Inside, Prosody, Reply, inside, remember_keys
from tests.integrations.jitsi.sessions import Session

pytestmark = pytest.mark.django_db

#: Connections: of the organizer, of Migri, and of a telephone.
ANNA, MIGRI, PHONE = (f"{number}@meet.urzad.example/x" for number in ("a", "b", "c"))


@pytest.fixture
def prosody(session: Session) -> Prosody:
    remember_keys()
    return Prosody({session.booking.conference_name: {"a": "Anna", "b": "Migri", "c": ""}})


@pytest.fixture
def running(prosody: Prosody, settings: object) -> Iterator[Inside]:
    with inside(prosody) as server:
        settings.JITSI_CONTROL_URL, settings.JITSI_TIMEOUT_SECONDS = server.url, 1
        settings.JITSI_OVERRUN_MINUTES = 60
        yield server


@pytest.fixture
def conference(session: Session, running: Inside) -> Conference:
    """The session runs since its beginning, promised until an hour after its end, 12:30."""
    opened = Conference.objects.create(
        server=all_servers()[0],
        name=session.booking.conference_name,
        occurrence=session.occurrence,
        opened_at=session.at(),
        promised_until=session.at(minutes=150),
        people_now=3,
    )
    for jid, person in ((ANNA, session.organizer), (MIGRI, session.guest), (PHONE, None)):
        Presence.objects.create(
            conference=opened, occupant_jid=jid, attendee=person, joined_at=opened.opened_at, joined_there_at=NOW
        )
    return opened


def tick(start: datetime, until: datetime, *, seconds: int = 15) -> int:
    """Call every 15 seconds, as the clock does, or more rarely, as a busy one; return how many were ended."""
    ended, now = 0, start
    while now <= until:
        ended += limits.keep(now)
        now += timedelta(seconds=seconds)
    return ended


def said(prosody: Prosody, to: str) -> list[str]:
    return [text for _room, jid, text in prosody.lines if jid == to]


def held_until(session: Session) -> datetime:
    holds = LicenceHold.objects.filter(occurrence=session.occurrence, live=True)
    return max(hold.interval.end_at for hold in holds)


def follow_on(office: Office, room: str = "KOS/2.14", minute: int = 30) -> Occurrence:
    """Book what follows in the first room of the session, right after it."""
    request = ask(office.it_admin, office.room(room), start=at(12, minute), minutes=60)
    return services.book(request, by=office.it_admin, now=NOW).occurrences.get()


def test_nothing_is_said_while_there_is_time(session: Session, conference: Conference, prosody: Prosody) -> None:
    assert tick(session.at(minutes=79), session.at(minutes=79.4)) == 0
    assert prosody.lines == []
    assert held_until(session) == session.occurrence.ends_at


def test_ten_and_five_minutes_before_what_follows_everybody_is_told_in_their_language(
    office: Office, session: Session, conference: Conference, prosody: Prosody
) -> None:
    follow_on(office)

    assert tick(session.at(minutes=78), session.at(minutes=89.75)) == 0

    polish = "The conference ends at 12:30, because others need the room or the licence then."
    english = polish.replace("12:30", "13:30")
    assert said(prosody, MIGRI) == [english, english]
    assert len(said(prosody, ANNA)) == len(said(prosody, PHONE)) == 2
    assert all("12:30" in text for text in said(prosody, ANNA) + said(prosody, PHONE))
    sent = list(ConferenceWarning.objects.order_by("sent_at").values_list("minutes", "ends_at"))
    assert sent == [(10, session.occurrence.ends_at), (5, session.occurrence.ends_at)]


def test_it_ends_when_others_need_the_room(
    office: Office, session: Session, conference: Conference, prosody: Prosody
) -> None:
    follow_on(office)

    assert tick(session.at(minutes=79), session.at(minutes=90.25)) == 1

    conference.refresh_from_db()
    assert (conference.closed_by, conference.closed_at) == (Conference.Closed.ENDED, session.at(minutes=90))
    assert prosody.rooms == {}
    assert held_until(session) == session.occurrence.ends_at
    assert not conference.presences.filter(left_at=None).exists()


@pytest.mark.long
def test_while_nothing_follows_it_runs_on_and_holds_its_seats_step_by_step(
    session: Session, conference: Conference, prosody: Prosody
) -> None:
    tick(session.at(minutes=79), session.at(minutes=84))
    assert held_until(session) == session.at(minutes=90)
    tick(session.at(minutes=85), session.at(minutes=86))
    assert held_until(session) == session.at(minutes=95)
    tick(session.at(minutes=86), session.at(minutes=101), seconds=60)
    assert held_until(session) == session.at(minutes=110)
    # An hour after the planned end is what the server was promised: told ten and five minutes before.
    assert prosody.lines == []
    assert tick(session.at(minutes=101), session.at(minutes=149.5), seconds=30) == 0
    assert len(said(prosody, ANNA)) == 2
    assert said(prosody, MIGRI)[0] == "The conference ends at 14:30. It can't run on any longer."
    assert tick(session.at(minutes=150), session.at(minutes=150)) == 1
    assert held_until(session) == session.at(minutes=150)


@pytest.mark.long
def test_it_never_runs_without_seats(office: Office, session: Session, conference: Conference) -> None:
    """All seats are taken from 12:45 on: the conference ends then, and is told so five minutes before."""
    office.pool.shares.all().delete()
    LicenceGrant.objects.update(seats=2)
    later = ask(office.it_admin, office.room("TAB/A"), start=at(12, 45), minutes=30)
    services.book(later, by=office.it_admin, now=NOW)
    other = ask(office.it_admin, office.room("TAB/B"), start=at(12, 45), minutes=30)
    services.book(other, by=office.it_admin, now=NOW)

    assert tick(session.at(minutes=79), session.at(minutes=104.75)) == 0
    assert ConferenceWarning.objects.filter(ends_at=session.at(minutes=105)).count() == 2
    assert tick(session.at(minutes=105), session.at(minutes=105)) == 1
    assert held_until(session) == session.at(minutes=105)


@pytest.mark.long
def test_what_is_booked_at_the_last_moment_is_told_five_minutes_before_it_ends_it(
    office: Office, session: Session, conference: Conference, prosody: Prosody
) -> None:
    tick(session.at(minutes=79), session.at(minutes=95))
    assert prosody.lines == []
    request = ask(office.it_admin, office.room("KOS/2.14"), start=at(12, 36), minutes=30)
    services.book(request, by=office.it_admin, now=session.at(minutes=95))

    assert tick(session.at(minutes=95.25), session.at(minutes=99.75)) == 0
    [warning] = ConferenceWarning.objects.all()
    assert (warning.minutes, warning.ends_at) == (5, session.at(minutes=100))
    assert tick(session.at(minutes=100), session.at(minutes=100)) == 1


def test_a_longer_session_is_told_of_a_later_end(
    office: Office, session: Session, conference: Conference, prosody: Prosody
) -> None:
    follow_on(office, minute=45)
    change_end(session, at(12, 45), now=session.at(minutes=88))

    assert tick(session.at(minutes=88.25), session.at(minutes=104.75)) == 0
    assert set(ConferenceWarning.objects.values_list("ends_at", flat=True)) == {session.at(minutes=105)}
    assert tick(session.at(minutes=105), session.at(minutes=105)) == 1


def test_p9_what_was_promised_closes_for_a_moment_though_the_session_is_longer(
    session: Session, conference: Conference, prosody: Prosody
) -> None:
    """Jitsi has no way to be told more: at 12:30 it closes the room, up to a minute late, and asks us again."""
    Conference.objects.update(promised_until=session.at(minutes=90))
    change_end(session, at(13), now=session.at(minutes=70))

    assert tick(session.at(minutes=79), session.at(minutes=92)) == 0

    first = said(prosody, MIGRI)[0]
    assert first == (
        "The conference closes at 13:30 for a moment. The session goes on until 14:00: open your link again."
    )
    assert len(said(prosody, MIGRI)) == 2
    assert session.booking.conference_name in prosody.rooms


def test_a_session_that_was_made_shorter_while_it_ran_ends_with_notice(
    office: Office, session: Session, conference: Conference
) -> None:
    """It ends at 11:25 by now, and others take the room at once: nobody is cut off unheard."""
    change_end(session, at(11, 25), now=session.at(minutes=24))
    request = ask(office.it_admin, office.room("KOS/2.14"), start=at(11, 25), minutes=60)
    services.book(request, by=office.it_admin, now=session.at(minutes=24))

    assert tick(session.at(minutes=24.25), session.at(minutes=28.75)) == 0
    [warning] = ConferenceWarning.objects.all()
    assert warning.ends_at == session.at(minutes=29)
    assert tick(session.at(minutes=29), session.at(minutes=29)) == 1


def test_a_session_moved_to_another_day_ends_at_once(
    office: Office, session: Session, conference: Conference, prosody: Prosody
) -> None:
    request = ask(
        office.staff,
        office.room("KOS/2.14"),
        office.room("BIA/5"),
        start=at(11) + timedelta(days=1),
        minutes=90,
        participants=(),
    )
    services.change(session.booking, request, by=office.staff, now=session.at(minutes=10), version=1)

    assert limits.keep(session.at(minutes=10)) == 0
    [line] = said(prosody, MIGRI)
    assert line.startswith("This session was moved to ")
    assert "12:00" in line
    assert limits.keep(session.at(minutes=10.25)) == 1
    assert prosody.rooms == {}


def test_a_cancelled_session_ends_with_a_word(
    office: Office, session: Session, conference: Conference, prosody: Prosody
) -> None:
    services.cancel(session.booking, by=office.staff, now=session.at(minutes=10))

    assert limits.keep(session.at(minutes=10)) == 0
    assert said(prosody, MIGRI) == ["This session was cancelled. The conference ends now."]
    assert limits.keep(session.at(minutes=10.1)) == 0
    assert limits.keep(session.at(minutes=10.25)) == 1
    assert len(said(prosody, MIGRI)) == 1
    assert limits.keep(session.at(minutes=10.5)) == 0


def test_an_unplanned_conference_ends_with_its_time(session: Session, conference: Conference, prosody: Prosody) -> None:
    ends_at = session.at(minutes=60)
    unplanned = UnplannedConference.objects.create(name="kawa", started_at=session.at(), ends_at=ends_at)
    Conference.objects.update(occurrence=None, unplanned=unplanned)

    assert tick(session.at(minutes=49), session.at(minutes=59.75)) == 0
    assert len(said(prosody, ANNA)) == 2
    assert tick(session.at(minutes=60), session.at(minutes=60)) == 1
    unplanned.refresh_from_db()
    assert unplanned.ended_at == ends_at


def test_opened_early_its_seats_are_held_until_it_begins(session: Session, conference: Conference) -> None:
    assert limits.keep(session.at(minutes=-10)) == 0

    holds = LicenceHold.objects.filter(occurrence=session.occurrence, live=True)
    assert min(hold.interval.start_at for hold in holds) == session.at(minutes=-10)


def test_what_has_no_licence_any_more_ends_unless_one_comes_free(
    office: Office, session: Session, conference: Conference, prosody: Prosody
) -> None:
    """Everybody had left, somebody else has the seat, and then they came back."""
    office.pool.shares.all().delete()
    LicenceHold.objects.filter(occurrence=session.occurrence).update(live=False)
    LicenceGrant.objects.update(seats=1)
    request = ask(office.it_admin, office.room("TAB/A"), start=at(11), minutes=120)
    taker = services.book(request, by=office.it_admin, now=NOW)

    assert tick(session.at(minutes=30), session.at(minutes=34.75)) == 0
    assert said(prosody, MIGRI) == ["The conference ends at 12:35, because all licences are in use."]
    # One comes free in time: nothing ends.
    services.cancel(taker, by=office.it_admin, now=session.at(minutes=34.8))
    assert tick(session.at(minutes=34.9), session.at(minutes=36)) == 0
    assert held_until(session) == session.occurrence.ends_at
    LicenceHold.objects.filter(occurrence=session.occurrence).update(live=False)
    services.book(
        ask(office.it_admin, office.room("TAB/B"), start=at(11, 45), minutes=60),
        by=office.it_admin,
        now=session.at(minutes=40),
    )
    assert tick(session.at(minutes=45), session.at(minutes=49.75)) == 0
    assert tick(session.at(minutes=50), session.at(minutes=50)) == 1


def test_a_server_that_does_not_answer_is_tried_again(
    office: Office, session: Session, conference: Conference, prosody: Prosody, running: Inside
) -> None:
    follow_on(office)
    running.script = lambda _asked: Reply(503)
    assert limits.keep(session.at(minutes=81)) == 0
    assert not ConferenceWarning.objects.exists()
    running.script = prosody

    assert limits.keep(session.at(minutes=81.25)) == 0
    assert len(said(prosody, ANNA)) == 1
    # Its end likewise.
    limits.keep(session.at(minutes=85.25))
    running.script = lambda _asked: Reply(503)
    assert limits.keep(session.at(minutes=90)) == 0
    running.script = prosody
    assert limits.keep(session.at(minutes=90.25)) == 1


def test_one_that_hangs_is_waited_for_once_in_a_round_and_one_that_is_down_never(
    office: Office, session: Session, conference: Conference, running: Inside
) -> None:
    follow_on(office)
    other = follow_on(office, "KOS/2.16", minute=0)
    Conference.objects.create(
        server=conference.server,
        name=other.booking.conference_name,
        occurrence=other,
        opened_at=session.at(),
        people_now=1,
    )
    running.script = lambda _asked: HANG
    limits.keep(session.at(minutes=86))
    assert len(running.asked) == 1
    ServerHealth.objects.create(server=conference.server, state=ServerHealth.State.DOWN, since=NOW)
    limits.keep(session.at(minutes=86))
    assert len(running.asked) == 1


def test_what_can_t_be_controlled_is_left_to_its_promise(
    office: Office, session: Session, conference: Conference, running: Inside, settings: object
) -> None:
    follow_on(office)
    settings.JITSI_ALGORITHM = "HS256"
    all_servers()

    assert tick(session.at(minutes=79), session.at(minutes=95)) == 0
    assert running.asked == []
    assert not ConferenceWarning.objects.exists()


def test_keys_that_the_server_does_not_know_are_no_reason_to_stop(
    office: Office, session: Session, conference: Conference, prosody: Prosody, caplog: pytest.LogCaptureFixture
) -> None:
    follow_on(office)
    remember_keys("login")

    assert tick(session.at(minutes=85), session.at(minutes=85.5)) == 0
    assert "can't be controlled: it answered 401" in caplog.text


def change_end(session: Session, end: datetime, *, now: datetime) -> None:
    """Let the session end at this wall-clock time."""
    occurrence = Occurrence.objects.get(pk=session.occurrence.pk)
    occurrence.booking.refresh_from_db()
    services.end_at(occurrence, timezone.make_aware(end), by=occurrence.booking.organizer, now=now)
