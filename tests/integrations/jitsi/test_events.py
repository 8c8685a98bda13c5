"""What Prosody's event_sync tells at our addresses, and what becomes of the meeting."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import BookingEvent, ConferenceRun, LicenceHold
from integrations.jitsi import people, reconcile, servers
from integrations.jitsi.models import Conference, ConferenceServer, Presence
from rooms.models import LicenceGrant, SiteShare
from tests.bookings.requests import ask, at
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telling import Teller, jid_of, stays
from tests.prosody import Clock, Fate, Prosody

Closed = Conference.Closed


@pytest.fixture
def server(session: Session) -> ConferenceServer:
    return servers.all_servers()[0]


@pytest.fixture
def teller(session: Session, server: ConferenceServer) -> Teller:
    return Teller(server, session.booking.conference_name)


def runs(session: Session) -> list[tuple[datetime, datetime | None, int | None]]:
    found = ConferenceRun.objects.filter(occurrence=session.occurrence).order_by("started_at")
    return list(found.values_list("started_at", "ended_at", "people_peak"))


class TestMeetings:
    def test_a_meeting_as_it_goes(self, session: Session, teller: Teller) -> None:
        begins = session.at(minutes=-5)
        assert teller.created(begins) == 204
        conference = Conference.objects.get()
        assert (conference.occurrence, conference.opened_at, conference.people_now) == (session.occurrence, begins, 0)
        assert runs(session) == []

        teller.joined("ola", session.at(minutes=-4), as_=session.organizer)
        teller.joined("migri", session.at(minutes=1), as_=session.guest)
        teller.joined("telefon", session.at(minutes=2))
        conference.refresh_from_db()
        assert (conference.people_now, conference.people_peak) == (3, 3)
        assert conference.first_joined_at == session.at(minutes=-4)
        assert runs(session) == [(session.at(minutes=-4), None, None)]

        teller.left("telefon", session.at(minutes=30))
        teller.left("migri", session.at(minutes=50))
        teller.left("ola", session.at(minutes=51))
        teller.destroyed(begins, session.at(minutes=51))
        conference.refresh_from_db()
        assert (conference.people_now, conference.people_peak) == (0, 3)
        assert (conference.closed_at, conference.closed_by) == (session.at(minutes=51), Closed.LEFT)
        assert stays(conference) == [
            ("ola", False, session.at(minutes=-4), session.at(minutes=51)),
            ("migri", False, session.at(minutes=1), session.at(minutes=50)),
            ("telefon", False, session.at(minutes=2), session.at(minutes=30)),
        ]
        people_in_it = Presence.objects.order_by("pk").values_list("attendee", flat=True)
        assert list(people_in_it) == [session.organizer.pk, session.guest.pk, None]
        reconcile.settle(session.at(minutes=52))
        assert runs(session) == [(session.at(minutes=-4), session.at(minutes=51), 3)]

    def test_a_seat_is_free_after_the_last_one_left(self, session: Session, teller: Teller) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=20))
        reconcile.settle(session.at(minutes=21))
        services.free_seats(session.at(minutes=26))
        [hold] = LicenceHold.objects.filter(occurrence=session.occurrence, live=True)
        assert hold.interval.end_at == session.at(minutes=20)

    def test_joining_is_written_in_the_history_once(self, session: Session, teller: Teller) -> None:
        for _time in range(2):
            teller.joined("ola", session.at(), as_=session.organizer)
        told = BookingEvent.objects.filter(booking=session.booking, kind="conference_started")
        assert told.count() == 1

    def test_a_reload_is_neither_an_end_nor_a_second_person(self, session: Session, teller: Teller) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=10))
        teller.destroyed(session.at(), session.at(minutes=10))
        again = Teller(teller.server, teller.name)
        again.created(session.at(minutes=10, seconds=2))
        again.joined("ola2", session.at(minutes=10, seconds=3), as_=session.organizer)
        reconcile.settle(session.at(minutes=12))
        assert runs(session) == [(session.at(), None, None)]
        assert list(Conference.objects.order_by("opened_at").values_list("people_peak", flat=True)) == [1, 1]

    def test_who_comes_back_later_begins_it_anew(self, session: Session, teller: Teller) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=10))
        reconcile.settle(session.at(minutes=11))
        teller.joined("ola2", session.at(minutes=20), as_=session.organizer)
        assert runs(session) == [(session.at(), session.at(minutes=10), 1), (session.at(minutes=20), None, None)]

    def test_moving_into_breakout_rooms_ends_nothing(self, session: Session, teller: Teller) -> None:
        room: dict[str, Any] = {"is_breakout": True, "breakout_room_id": "b1"}
        teller.created(session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=5))
        teller.created(session.at(minutes=5), **room)
        teller.joined("ola", session.at(minutes=5), as_=session.organizer, **room)
        reconcile.settle(session.at(minutes=10))
        conference = Conference.objects.get()
        assert (conference.closed_at, conference.people_now, conference.people_peak) == (None, 1, 1)
        assert runs(session) == [(session.at(), None, None)]
        teller.left("ola", session.at(minutes=15), **room)
        there = [teller.came[jid_of("ola")]]
        teller.destroyed(session.at(minutes=5), session.at(minutes=15), all_occupants=there, **room)
        conference.refresh_from_db()
        assert (conference.closed_at, conference.people_now, conference.empty_since) == (
            None,
            0,
            session.at(minutes=15),
        )
        teller.joined("ola", session.at(minutes=15), as_=session.organizer)
        assert stays(conference) == [
            ("ola", False, session.at(), session.at(minutes=5)),
            ("ola", True, session.at(minutes=5), session.at(minutes=15)),
            ("ola", False, session.at(minutes=15), None),
        ]

    def test_what_the_server_asked_for_is_the_same_conference(self, session: Session, teller: Teller) -> None:
        asked = Conference.objects.create(
            server=teller.server,
            name=teller.name,
            occurrence=session.occurrence,
            asked_by="somebody@meet.urzad.example",
            opened_at=session.at(seconds=0.7),
            promised_until=session.at(minutes=90),
        )
        teller.created(session.at(), told_at=session.at(seconds=1))
        teller.joined("ola", session.at(), as_=session.organizer, told_at=session.at(seconds=1))
        found = Conference.objects.get()
        assert (found.pk, found.opened_at, found.created_there_at) == (asked.pk, asked.opened_at, session.at())
        assert stays(found) == [("ola", False, asked.opened_at, None)]

    def test_recorders_are_no_people(self, session: Session, teller: Teller) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        recorder = {
            "occupant_jid": "recorder@recorder.meet.urzad.example/x",
            "joined_at": int(session.at().timestamp()),
        }
        teller.tell({"event_name": "muc-occupant-joined", "occupant": recorder}, told_at=session.at(seconds=5))
        assert Conference.objects.get().people_peak == 1

    def test_it_says_that_a_meeting_runs_without_a_licence(
        self, session: Session, teller: Teller, office: Office, caplog: pytest.LogCaptureFixture
    ) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=10))
        reconcile.settle(session.at(minutes=11))
        services.free_seats(session.at(minutes=20))
        SiteShare.objects.all().delete()
        LicenceGrant.objects.update(seats=1)
        now = session.at(minutes=25)
        elsewhere = ask(office.staff, office.room("KOS/2.16"), start=at(11, 30), minutes=60)
        services.book(elsewhere, by=office.staff, now=now)
        assert teller.joined("ola2", session.at(minutes=31), as_=session.organizer) == 204
        assert Conference.objects.get().people_now == 1
        assert runs(session) == [(session.at(), session.at(minutes=10), 1)]
        assert f"Meeting {session.occurrence.pk} runs without what it needs" in caplog.text


class TestOrder:
    """P13: events are re-ordered, lost and doubled; a reload is another connection; telephones have no id."""

    def test_p13_events_in_reverse_with_doubles(self, session: Session, teller: Teller) -> None:
        late = session.at(minutes=12)
        teller.everybody[jid_of("ola")] = {"occupant_jid": jid_of("ola"), "joined_at": int(session.at().timestamp())}
        for _time in range(2):
            teller.left("ola", session.at(minutes=10), told_at=late)
            teller.joined("ola", session.at(), as_=session.organizer, told_at=late)
            teller.created(session.at(), told_at=late)
        conference = Conference.objects.get()
        assert (conference.opened_at, conference.people_now, conference.people_peak) == (session.at(), 0, 1)
        assert stays(conference) == [("ola", False, session.at(), session.at(minutes=10))]

    def test_p13_the_last_event_fills_in_what_was_lost(self, session: Session, teller: Teller) -> None:
        teller.everybody = {
            jid_of("ola"): {
                "occupant_jid": jid_of("ola"),
                "id": people.user_id(session.organizer),
                "joined_at": int(session.at().timestamp()),
                "left_at": int(session.at(minutes=40).timestamp()),
            }
        }
        teller.destroyed(session.at(), session.at(minutes=40))
        conference = Conference.objects.get()
        assert (conference.people_peak, conference.closed_at) == (1, session.at(minutes=40))
        reconcile.settle(session.at(minutes=41))
        assert runs(session) == [(session.at(), session.at(minutes=40), 1)]

    def test_p13_a_join_after_the_end_opens_nothing(self, session: Session, teller: Teller) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=10))
        teller.destroyed(session.at(), session.at(minutes=10))
        teller.joined("migri", session.at(minutes=9), as_=session.guest, told_at=session.at(minutes=10, seconds=3))
        conference = Conference.objects.get()
        assert (conference.people_now, conference.closed_at) == (0, session.at(minutes=10))
        assert stays(conference)[1] == ("migri", False, session.at(minutes=9), session.at(minutes=10))
        assert Presence.objects.get(attendee=session.guest).left_is_guess

    def test_p13_late_news_of_the_opening_before_stay_with_it(self, session: Session, teller: Teller) -> None:
        teller.created(session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        again = Teller(teller.server, teller.name)
        again.created(session.at(minutes=20))
        again.joined("migri", session.at(minutes=21), as_=session.guest)
        late = session.at(minutes=22)
        teller.left("ola", session.at(minutes=19), told_at=late)
        teller.destroyed(session.at(), session.at(minutes=19), told_at=late)
        first, second = Conference.objects.order_by("opened_at")
        assert (first.closed_at, first.closed_by) == (session.at(minutes=19), Closed.LEFT)
        assert stays(first) == [("ola", False, session.at(), session.at(minutes=19))]
        assert stays(second) == [("migri", False, session.at(minutes=21), None)]
        assert (second.closed_at, second.people_now) == (None, 1)

    def test_p13_a_clock_that_is_ahead_is_held_to_ours(self, session: Session, teller: Teller) -> None:
        teller.created(session.at(minutes=5), told_at=session.at())
        teller.joined("ola", session.at(minutes=6), as_=session.organizer, told_at=session.at(minutes=1))
        teller.left("ola", session.at(minutes=35), told_at=session.at(minutes=30))
        teller.destroyed(session.at(minutes=5), session.at(minutes=35), told_at=session.at(minutes=30))
        conference = Conference.objects.get()
        assert stays(conference) == [("ola", False, session.at(minutes=1), session.at(minutes=30))]
        assert (conference.opened_at, conference.closed_at) == (session.at(), session.at(minutes=30))

    def test_p13_a_clock_that_is_behind_is_held_to_ours(self, session: Session, teller: Teller) -> None:
        asked = Conference.objects.create(
            server=teller.server, name=teller.name, opened_at=session.at(), promised_until=session.at(minutes=90)
        )
        teller.joined("ola", session.at(minutes=-5), as_=session.organizer, told_at=session.at(seconds=1))
        teller.created(session.at(minutes=-5), told_at=session.at(seconds=2))
        assert stays(Conference.objects.get()) == [("ola", False, asked.opened_at, None)]

    def test_the_same_news_an_hour_later_change_nothing(self, session: Session, teller: Teller) -> None:
        teller.created(session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=10))
        teller.destroyed(session.at(), session.at(minutes=10))
        before = list(Conference.objects.values()), list(Presence.objects.values())
        teller.created(session.at(), told_at=session.at(minutes=70))
        teller.joined("ola", session.at(), told_at=session.at(minutes=70))
        teller.destroyed(session.at(), session.at(minutes=10), told_at=session.at(minutes=71))
        assert (list(Conference.objects.values()), list(Presence.objects.values())) == before


class TestPeople:
    def test_p17_neither_names_nor_addresses_are_kept(self, session: Session, teller: Teller) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        kept = repr(list(Presence.objects.values())) + repr(list(Conference.objects.values()))
        assert "ola-4ea5" in kept
        assert session.organizer.name not in kept
        assert session.organizer.email not in kept

    def test_p17_nothing_of_people_is_logged(
        self, session: Session, teller: Teller, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.post("muc-occupant-joined", '{"name": "Jana Nov', told_at=session.at())
        told = [record.getMessage() for record in caplog.records if not record.name.startswith("django.db")]
        assert not [text for text in told if "Jana" in text or session.organizer.name in text]

    def test_who_is_of_another_session_is_nobody_here(
        self, session: Session, teller: Teller, server: ConferenceServer
    ) -> None:
        other = Teller(server, "zupelnie-inny-pokoj-1")
        other.joined("ola", session.at(), as_=session.organizer)
        assert list(Presence.objects.values_list("attendee", flat=True)) == [None]
        assert Conference.objects.get().occurrence is None

    def test_an_id_that_we_never_gave_out_is_nobody(self, session: Session, teller: Teller) -> None:
        occupant = {"occupant_jid": jid_of("x"), "joined_at": int(session.at().timestamp()), "id": "u1"}
        for user_id in ("u1", "1-aaaaaaaaaaaaaaaaaaaaaaaaaa", 17, None, "x" * 1000):
            event = {"event_name": "muc-occupant-joined", "occupant": {**occupant, "id": user_id}}
            assert teller.tell(event, told_at=session.at()) == 204
        assert list(Presence.objects.values_list("attendee", flat=True)) == [None]


def test_p1_a_conference_that_opens_is_no_attendance(session: Session, teller: Teller) -> None:
    """Anybody who can log in has Jicofo open a conference before they are turned away."""
    teller.created(session.at())
    reconcile.settle(session.at(minutes=1))
    assert runs(session) == []
    assert Conference.objects.get().first_joined_at is None


def test_a_stand_in_for_prosody_is_understood(session: Session, server: ConferenceServer) -> None:
    """With its question before and its DELETE after, retries, doubles and events that are lost."""
    clock = Clock(session.at())
    prosody = Prosody(server, clock)
    name = session.booking.conference_name
    prosody.event_delays = lambda path, _event: {"room/created": [4], "occupant/left": []}.get(path, [0, 2])
    jid = prosody.join(name, person=people.user_id(session.organizer))
    clock.advance(minutes=20)
    prosody.leave(name, jid)
    clock.advance(seconds=10)
    assert {status for _call, status in prosody.calls if _call.path.startswith("/jitsi/events")} == {204}
    conference = Conference.objects.get()
    assert (conference.opened_at, conference.closed_at) == (session.at(), session.at(minutes=20))
    assert Presence.objects.get().attendee == session.organizer
    reconcile.settle(clock.now + timedelta(minutes=1))
    assert runs(session) == [(session.at(), session.at(minutes=20), 1)]


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_on_a_bad_line_is_kept_as_it_was(session: Session, server: ConferenceServer, seed: int) -> None:
    """People come, reload and go; events are doubled, late, refused at first, or lost, but for the summaries."""
    chance = random.Random(seed)
    clock = Clock(session.at(seconds=0.4))
    prosody = Prosody(server, clock)
    prosody.event_delays = lambda path, _event: (
        [0] if path == "room/destroyed" else chance.choice([[0], [0, 3], [5], [2, 9], []])
    )
    prosody.fate = lambda call: chance.choice([Fate.ARRIVES] * 3 + [Fate.REFUSED] * ("occupant" in call.path))
    name, inside, truth = session.booking.conference_name, {}, []
    for _step in range(60):
        clock.advance(seconds=chance.randint(1, 60))
        if inside and chance.random() < 0.5:
            jid = chance.choice(sorted(inside))
            truth.append((jid, inside.pop(jid), _second(clock)))
            prosody.leave(name, jid)
        else:
            jid = prosody.join(name, person=people.user_id(session.guest) if chance.random() < 0.5 else "")
            inside[jid] = _second(clock)
    for jid in sorted(inside):
        truth.append((jid, inside[jid], _second(clock)))
        prosody.leave(name, jid)
    clock.advance(seconds=30)

    kept = Presence.objects.select_related("conference")
    assert sorted((one.occupant_jid, one.joined_there_at, one.left_at) for one in kept) == sorted(truth)
    for conference in Conference.objects.all():
        there = [stay for stay in truth if conference.presences.filter(occupant_jid=stay[0]).exists()]
        most = max(sum(1 for _j, came, left in there if came <= at < left or came == at) for _jid, at, _left in there)
        assert (conference.people_peak, conference.people_now, conference.closed_by) == (most, 0, Closed.LEFT)
    reconcile.settle(clock.now + timedelta(minutes=1))
    assert runs(session)[-1][1] == max(left for _jid, _came, left in truth)


def _second(clock: Clock) -> datetime:
    return clock.now.replace(microsecond=0)
