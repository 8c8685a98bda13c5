"""Which server a meeting takes place on, and how it changes until it begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bookings import services
from bookings.models import Occurrence
from integrations.jitsi import assignments
from integrations.jitsi.desk_queries import find_desk
from integrations.jitsi.models import Conference, ConferenceServer, ServerAssignment, ServerHealth
from integrations.jitsi.servers import all_servers
from rooms.models import Site
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session

pytestmark = pytest.mark.django_db


def clock(hour: float) -> datetime:
    """Return the instant of this hour on the day of the session, in Warsaw."""
    return datetime(2026, 11, 23, 23, tzinfo=UTC) + timedelta(hours=hour)


#: Two hours before the session of the fixture begins.
MORNING = clock(9)


@pytest.fixture
def no_server_of_settings(settings: object) -> None:
    settings.JITSI_URL = ""


def make_server(name: str, *sites: Site, **fields: object) -> ConferenceServer:
    server = ConferenceServer.objects.create(
        name=name, url=f"https://{name}.example", xmpp_domain=f"{name}.example", **fields
    )
    server.sites.set(sites)
    return server


def overfull(start: datetime) -> list[assignments.Overfull]:
    """Return what is too much from then on until eight in the evening."""
    return assignments.overfull(start, until=clock(20), every=all_servers())


def be(server: ConferenceServer, state: str) -> None:
    ServerHealth.objects.update_or_create(server=server, defaults={"state": state, "since": NOW})


def meeting(office: Office, room: str, hour: float = 11, *, minutes: int = 90) -> Occurrence:
    request = ask(office.it_admin, office.room(room), start=at(0) + timedelta(hours=hour), minutes=minutes)
    return services.book(request, by=office.it_admin, now=NOW).occurrences.get()


def people_in(occurrence: Occurrence, server: ConferenceServer, people: int = 2) -> Conference:
    name = occurrence.booking.conference_name
    return Conference.objects.create(
        server=server, name=name, occurrence=occurrence, opened_at=occurrence.starts_at, people_now=people
    )


def test_the_server_of_the_settings_is_chosen_where_it_is_the_only_one(session: Session) -> None:
    server = assignments.server_of(session.occurrence, now=MORNING)

    assert server is not None
    assert server.url == "https://meet.urzad.example"
    assignment = ServerAssignment.objects.get()
    assert (assignment.server, assignment.people, assignment.assigned_at) == (server, 3, MORNING)


def test_without_a_server_there_is_none(session: Session, no_server_of_settings: None) -> None:
    assert assignments.server_of(session.occurrence, now=MORNING) is None
    assert assignments.assign_ahead(MORNING) == 0
    assert not ServerAssignment.objects.exists()


def test_asked_again_it_is_the_same_with_one_query(
    session: Session, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    first = assignments.server_of(session.occurrence, now=MORNING)

    with django_assert_num_queries(1):
        assert assignments.server_of(session.occurrence, now=MORNING) == first


def test_servers_of_the_site_come_first_then_those_of_every_site_then_others(
    office: Office, session: Session, no_server_of_settings: None
) -> None:
    of_others = make_server("taborowa", office.taborowa, position=1)
    assert assignments.server_of(meeting(office, "KOS/2.16"), now=MORNING) == of_others
    of_every_site = make_server("urzad", position=2)
    assert assignments.server_of(meeting(office, "KOS/0.07"), now=MORNING) == of_every_site
    of_the_site = make_server("biala", office.biala, position=3)
    # It takes place at Koszykowa and in Biała Podlaska.
    assert assignments.server_of(session.occurrence, now=MORNING) == of_the_site


def test_a_full_server_sends_on_to_the_next_in_line(office: Office, no_server_of_settings: None) -> None:
    right = make_server("koszykowa", office.koszykowa, max_conferences=1)
    other = make_server("taborowa", office.taborowa)
    first, second = meeting(office, "KOS/2.14"), meeting(office, "KOS/2.16")

    assert assignments.server_of(first, now=MORNING) == right
    assert assignments.server_of(second, now=MORNING) == other


def test_people_fill_a_server_too(office: Office, session: Session, no_server_of_settings: None) -> None:
    small = make_server("maly", max_people=3, position=1)
    assert assignments.server_of(session.occurrence, now=MORNING) == small
    large = make_server("duzy", position=2)

    assert assignments.server_of(meeting(office, "KOS/2.16"), now=MORNING) == large


@pytest.mark.parametrize(("hour", "fits"), [(13, True), (12.75, False)])
def test_windows_count_not_only_the_meetings(
    office: Office, session: Session, no_server_of_settings: None, hour: float, fits: bool
) -> None:
    """The session ends at 12:30, its conference may be open until 12:45; the next one opens 15 minutes before."""
    first = make_server("pierwszy", max_conferences=1, position=1)
    assert assignments.server_of(session.occurrence, now=MORNING) == first
    second = make_server("drugi", max_conferences=1, position=2)
    later = meeting(office, "KOS/2.16", hour, minutes=30)

    assert assignments.server_of(later, now=MORNING) == (first if fits else second)


def test_among_equals_the_one_with_the_least_of_its_capacity_in_use_is_chosen(
    office: Office, no_server_of_settings: None
) -> None:
    small, large = make_server("maly", max_conferences=2), make_server("duzy", max_conferences=4)
    rooms = ["KOS/2.14", "KOS/2.16", "KOS/0.07", "TAB/A", "TAB/B", "TAB/0.18"]

    chosen = [assignments.server_of(meeting(office, room), now=MORNING) for room in rooms]

    assert chosen == [large, small, large, large, small, large]


def test_where_none_has_room_the_least_loaded_takes_it_and_that_is_seen(
    office: Office, session: Session, no_server_of_settings: None
) -> None:
    only = make_server("jedyny", max_conferences=1)
    second = meeting(office, "KOS/2.16")
    for occurrence in (session.occurrence, second):
        assert assignments.server_of(occurrence, now=MORNING) == only

    [found] = overfull(MORNING)
    assert (found.server, found.conferences, found.people) == (only, 2, 4)
    assert found.meetings == tuple(sorted([session.occurrence.pk, second.pk]))
    assert overfull(clock(13)) == []


def test_what_runs_without_a_booking_takes_its_place_too(
    office: Office, session: Session, no_server_of_settings: None
) -> None:
    first = make_server("pierwszy", max_conferences=1, position=1)
    Conference.objects.create(server=first, name="kawa", opened_at=session.at(minutes=-5), people_now=2)
    second = make_server("drugi", max_conferences=1, position=2)

    assert assignments.server_of(session.occurrence, now=session.at()) == second


def test_a_meeting_leaves_a_server_that_is_down_or_switched_off(session: Session, no_server_of_settings: None) -> None:
    first, second = make_server("pierwszy", position=1), make_server("drugi", position=2)
    assert assignments.server_of(session.occurrence, now=MORNING) == first
    be(first, ServerHealth.State.DOWN)

    assert assignments.server_of(session.occurrence, now=session.at()) == second
    assignment = ServerAssignment.objects.get()
    assert (assignment.moved_from, assignment.moved_at) == (first, session.at())

    be(first, ServerHealth.State.UP)
    # What works is kept: nothing goes back.
    assert assignments.server_of(session.occurrence, now=session.at()) == second
    ConferenceServer.objects.filter(pk=second.pk).update(is_enabled=False)
    assert assignments.server_of(session.occurrence, now=session.at()) == first


def test_an_ill_server_keeps_its_meetings(session: Session, no_server_of_settings: None) -> None:
    first = make_server("pierwszy", position=1)
    assert assignments.server_of(session.occurrence, now=MORNING) == first
    make_server("drugi", position=0)
    be(first, ServerHealth.State.ILL)

    assert assignments.server_of(session.occurrence, now=MORNING) == first


def test_p7_people_stay_together_on_a_server_that_went_silent_until_it_is_switched_off(
    session: Session, no_server_of_settings: None
) -> None:
    first = make_server("pierwszy", position=1)
    assert assignments.server_of(session.occurrence, now=MORNING) == first
    second = make_server("drugi", position=2)
    people_in(session.occurrence, first)
    be(first, ServerHealth.State.DOWN)

    assert assignments.server_of(session.occurrence, now=session.at()) == first
    assert assignments.move_from_ill(session.at()) == 0
    # Until IT says that nobody can be there.
    ConferenceServer.objects.filter(pk=first.pk).update(is_enabled=False)
    assert assignments.server_of(session.occurrence, now=session.at()) == second


def test_a_server_switched_off_keeps_what_runs(session: Session, no_server_of_settings: None) -> None:
    first, _second = make_server("pierwszy", position=1), make_server("drugi", position=2)
    assert assignments.server_of(session.occurrence, now=MORNING) == first
    people_in(session.occurrence, first)
    ConferenceServer.objects.filter(pk=first.pk).update(is_enabled=False)

    assert assignments.server_of(session.occurrence, now=session.at()) == first
    assert assignments.move_from_ill(session.at()) == 0


def test_where_all_are_down_people_are_sent_somewhere_all_the_same(
    session: Session, no_server_of_settings: None
) -> None:
    only = make_server("jedyny")
    be(only, ServerHealth.State.DOWN)

    assert assignments.server_of(session.occurrence, now=session.at()) == only
    ConferenceServer.objects.update(is_enabled=False)
    assert assignments.server_of(session.occurrence, now=session.at()) is None


def test_today_and_the_next_two_hours_are_assigned_ahead(office: Office, no_server_of_settings: None) -> None:
    make_server("jedyny")
    today, tomorrow = meeting(office, "KOS/2.14", 17, minutes=30), meeting(office, "KOS/2.16", 24 + 8)

    assert assignments.assign_ahead(MORNING) == 1
    assert list(ServerAssignment.objects.values_list("pk", flat=True)) == [today.pk]
    assert assignments.assign_ahead(MORNING) == 0
    # Before midnight those of the next two hours only; a day has ended.
    assert assignments.assign_ahead(clock(24.5)) == 1
    assert ServerAssignment.objects.filter(pk=tomorrow.pk).exists()


def test_a_meeting_moved_to_where_its_server_is_full_goes_to_another(
    office: Office, no_server_of_settings: None
) -> None:
    make_server("pierwszy", max_conferences=1, position=1)
    one, other = meeting(office, "KOS/2.14", 10, minutes=60), meeting(office, "KOS/2.16", 14, minutes=60)
    assert assignments.assign_ahead(clock(8)) == 2
    second = make_server("drugi", position=2)
    request = ask(office.it_admin, office.room("KOS/2.16"), start=at(10), minutes=60)
    services.change(other.booking, request, by=office.it_admin, now=clock(8.1), version=other.booking.version)

    assert assignments.assign_ahead(clock(8.2)) == 1

    other.server_assignment.refresh_from_db()
    one_server = ServerAssignment.objects.get(pk=one.pk).server
    assert {one_server.name, ServerAssignment.objects.get(pk=other.pk).server.name} == {"pierwszy", second.name}
    assert overfull(clock(8)) == []


def test_a_cancelled_meeting_makes_room(office: Office, session: Session, no_server_of_settings: None) -> None:
    only = make_server("jedyny", max_conferences=1)
    assert assignments.server_of(session.occurrence, now=MORNING) == only
    services.cancel(session.booking, by=office.it_admin, now=MORNING)
    make_server("drugi", max_conferences=1, position=2)

    assert assignments.server_of(meeting(office, "KOS/2.16"), now=MORNING) == only
    assert overfull(MORNING) == []


def test_what_is_to_come_moves_before_it_starts(office: Office, no_server_of_settings: None) -> None:
    first = make_server("pierwszy", position=1)
    meetings = [meeting(office, "KOS/2.14"), meeting(office, "KOS/2.16")]
    assert assignments.assign_ahead(MORNING) == 2
    second = make_server("drugi", max_conferences=1, position=2)
    third = make_server("trzeci", max_conferences=1, position=3)
    be(first, ServerHealth.State.DOWN)

    assert assignments.move_from_ill(MORNING) == 2
    assert [assignments.server_of(one, now=MORNING) for one in meetings] == [second, third]
    assert assignments.move_from_ill(MORNING) == 0


def test_the_organizer_is_noted_once(session: Session) -> None:
    assignments.organizer_came(session.occurrence, now=session.at(minutes=-50))
    assignments.organizer_came(session.occurrence, now=session.at(minutes=-20))

    assert ServerAssignment.objects.get().organizer_came_at == session.at(minutes=-50)


def test_the_desk_shows_where_more_is_planned_than_a_server_carries(
    office: Office, session: Session, no_server_of_settings: None
) -> None:
    only = make_server("jedyny", max_conferences=1)
    for occurrence in (session.occurrence, meeting(office, "KOS/2.16")):
        assignments.server_of(occurrence, now=MORNING)

    [load] = find_desk(now=MORNING).servers
    assert (load.server, load.is_over) == (only, False)
    assert load.overfull is not None
    assert (load.overfull.conferences, load.overfull.people) == (2, 4)
