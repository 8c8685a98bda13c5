"""The search for sessions finds what a plain reading of the rows finds, and nothing that is not the user's to know."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Institution, User
from bookings import search_walk, services
from bookings.models import Attendee, Booking, Occurrence
from bookings.permissions import visible_to
from bookings.rules import Participant, Scope
from bookings.search_queries import CANCELLED, COMING, PAST, Place, Wanted, find_sessions
from bookings.search_terms import name_of
from bookings.search_text import MAX_LENGTH, fits, plain, understand, words_in
from rooms.interval import Interval
from rooms.models import Room
from rooms.permissions import SiteRoles
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.weekly import meeting, weekly
from tests.factories import Office, make_contact

pytestmark = pytest.mark.django_db
_TODAY = date(2026, 11, 9)
_WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.fixture(params=["by index", "by a walk", "by a walk of small steps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Rare words and frequent ones are looked for in two ways, and find the same."""
    if request.param != "by index":
        monkeypatch.setattr(search_walk, "FEW", -1)
    if request.param == "by a walk of small steps":
        monkeypatch.setattr(search_walk, "STEP", 1)
    return str(request.param)


def wanted(text: str, **filters: object) -> Wanted:
    read = understand(text, today=_TODAY)
    spans = tuple(day_span(first, last) for first, last in read.spans)
    return replace(Wanted(read.words, read.numbers, spans), **filters)  # type: ignore[arg-type]  # fields by name


def day_span(first: date, last: date) -> Interval:
    return Interval(
        datetime.combine(first, time(), _WARSAW), datetime.combine(last + timedelta(days=1), time(), _WARSAW)
    )


def found(user: User, asked: Wanted, *, now: datetime = NOW, size: int = 20) -> list[Occurrence]:
    """Return everything that is found, page by page."""
    rows: list[Occurrence] = []
    after: Place | None = None
    for _page in range(200):
        page = find_sessions(User.objects.get(pk=user.pk), asked, now=now, size=size, after=after)
        assert len(page.meetings) <= size
        rows += [item.occurrence for item in page.meetings]
        after = page.then
        if after is None:
            return rows
    raise AssertionError("the search goes in circles")


def titles(user: User, text: str, *, now: datetime = NOW, **filters: object) -> list[str]:
    return [item.own_title or item.booking.title for item in found(user, wanted(text, **filters), now=now)]


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("lodzki", True),
        ("ŁÓDZKI", True),
        ("narada lodz", True),
        ("lodz narada", True),
        ("zespolu", True),
        ("odzki", False),
        ("narada opole", False),
    ],
)
def test_words_of_the_title_are_found_by_their_beginnings(office: Office, way: str, text: str, hits: bool) -> None:
    services.book(ask(office.staff, title="Narada zespołu: Łódzki UW"), by=office.staff, now=NOW)
    assert titles(office.staff, text) == (["Narada zespołu: Łódzki UW"] if hits else [])


@pytest.mark.parametrize(
    "text",
    [
        "anna wrzesinska",
        "anna.wrzesinska@urzad.example",
        "cwik",
        "KTOS@gmina.example",
        "gmina",
        "marszalkowski",
        "wideo@marszalek.example",
        "2.14",
        "KOS/2.14",
        "warszawa",
        "wt. 24.11",
        "24 listopada 2026",
        "listopad 2026",
        "odprawa cwik warszawa 24.11",
    ],
)
def test_people_institutions_rooms_and_days_are_found(office: Office, way: str, text: str) -> None:
    marshal = Institution.objects.create(code="UMW", name="Urząd Marszałkowski")
    contact = make_contact("wideo@marszalek.example", name="Kancelaria", institution=marshal)
    people = (Participant(contact_id=contact.pk), Participant(email="ktos@gmina.example", name="Józef Ćwik"))
    request = ask(office.staff, office.room("KOS/2.14"), title="Odprawa", participants=people)
    services.book(request, by=office.staff, now=NOW)
    read = understand(text, today=_TODAY, codes={"2.14"})
    asked = Wanted(read.words, spans=tuple(day_span(*span) for span in read.spans))
    assert [item.booking.title for item in found(office.staff, asked)] == ["Odprawa"]
    assert found(office.staff, replace(asked, words=(*asked.words, "nieznany"))) == []


def test_the_number_finds_the_one_session(office: Office, way: str) -> None:
    booking = services.book(ask(office.staff, title="Pierwsza"), by=office.staff, now=NOW)
    services.book(ask(office.staff, title="Druga"), by=office.staff, now=NOW)
    assert titles(office.staff, booking.number.lower()) == ["Pierwsza"]
    assert titles(office.staff, f"{booking.number} druga") == []
    assert titles(office.colleague, booking.number) == []


def test_those_to_come_stand_first_and_then_the_past_newest_first(office: Office, way: str) -> None:
    for hour in (14, 9, 11, 16, 12):
        services.book(ask(office.staff, start=at(hour), minutes=30, title=f"Odprawa {hour}"), by=office.staff, now=NOW)
    noon = NOW.replace(day=24, hour=11)
    order = [f"Odprawa {hour}" for hour in (12, 14, 16, 11, 9)]
    assert titles(office.staff, "odprawa", now=noon) == order
    for size in (1, 2, 5):
        assert [item.booking.title for item in found(office.staff, wanted("odprawa"), now=noon, size=size)] == order
    assert titles(office.staff, "odprawa", now=noon, state=COMING) == order[:3]
    assert titles(office.staff, "odprawa", now=noon, state=PAST) == order[3:]
    assert titles(office.staff, "odprawa", now=noon, state=CANCELLED) == []


def test_what_was_cancelled_is_found_and_can_be_asked_for(office: Office, way: str) -> None:
    gone = services.book(ask(office.staff, title="Odprawa A"), by=office.staff, now=NOW)
    services.book(ask(office.staff, title="Odprawa B"), by=office.staff, now=NOW)
    services.cancel(gone, by=office.staff, now=NOW)
    assert titles(office.staff, "odprawa") == ["Odprawa A", "Odprawa B"]
    assert titles(office.staff, "odprawa", state=COMING) == ["Odprawa B"]
    assert titles(office.staff, "odprawa", state=CANCELLED) == ["Odprawa A"]


def test_closed_sessions_of_others_are_not_there(office: Office, way: str) -> None:
    room = office.room("KOS/2.14")
    services.book(ask(office.staff, room, title="Przesłuchanie", is_private=True), by=office.staff, now=NOW)
    for text in ("przesluchanie", "2 14", "wrzesinska", "24.11"):
        assert titles(office.staff, text) == ["Przesłuchanie"]
        assert titles(office.colleague, text) == []
    assert titles(office.manager, "przesluchanie") == ["Przesłuchanie"]  # manages the site
    assert titles(office.it_admin, "przesluchanie") == ["Przesłuchanie"]


def test_of_sessions_of_others_only_what_the_board_shows_is_found(office: Office, way: str) -> None:
    room = office.room("KOS/2.14")
    people = (Participant(email="ktos@gmina.example", name="Józef Ćwik"),)
    booking = services.book(ask(office.staff, room, title="Odprawa", participants=people), by=office.staff, now=NOW)
    for text in ("odprawa", "2 14", "24.11"):
        assert titles(office.colleague, text) == ["Odprawa"]
    for text in ("cwik", "ktos@gmina.example", "wrzesinska", booking.number):
        assert titles(office.colleague, text) == []
        assert titles(office.staff, text) == ["Odprawa"]
    (line,) = find_sessions(office.colleague, wanted("odprawa"), now=NOW, size=5).meetings
    assert (line.may_open, line.people, line.rooms) == (False, (), (room,))
    services.cancel(booking, by=office.staff, now=NOW)
    assert titles(office.colleague, "odprawa") == []


def test_sessions_of_others_without_a_room_are_not_there(office: Office, way: str) -> None:
    services.book(ask(office.staff, title="Zdalna"), by=office.staff, now=NOW)
    assert titles(office.staff, "zdalna") == ["Zdalna"]
    assert titles(office.colleague, "zdalna") == []


def test_guests_of_one_closed_meeting_find_that_one(office: Office, way: str) -> None:
    room, day = office.room("KOS/2.14"), datetime(2026, 12, 3, 10)
    series = weekly(office.staff, room, count=3, title="Komisja", is_private=True)
    request = ask(
        office.staff,
        room,
        start=day,
        title="Komisja",
        is_private=True,
        participants=(Participant(user_id=office.colleague.pk),),
    )
    services.change(
        series,
        request,
        by=office.staff,
        now=NOW,
        version=series.version,
        scope=Scope.ONE,
        occurrence=meeting(series, day.date()),
    )
    assert [item.starts_at.day for item in found(office.colleague, wanted("komisja"))] == [3]
    assert len(found(office.staff, wanted("komisja"))) == 3


def test_with_me_and_rooms_and_days_narrow_the_search(office: Office, way: str) -> None:
    kos, tab = office.room("KOS/2.14"), office.room("TAB/A")
    services.book(ask(office.staff, kos, title="Odprawa moja"), by=office.staff, now=NOW)
    services.book(ask(office.colleague, tab, title="Odprawa cudza"), by=office.colleague, now=NOW)
    assert titles(office.staff, "odprawa", with_me=True) == ["Odprawa moja"]
    assert titles(office.staff, "", with_me=True) == ["Odprawa moja"]
    assert titles(office.staff, "odprawa", room_ids=(tab.pk,)) == ["Odprawa cudza"]
    day = day_span(date(2026, 11, 25), date(2026, 12, 31))
    assert titles(office.staff, "odprawa", within=day) == []


@pytest.mark.parametrize("text", ["%", "_", "\0", "'", "':*", "x:*|y", "a" * 10_000, "\\", "<b>", "ą" * 300, "🙂"])
def test_hostile_text_finds_nothing_and_breaks_nothing(office: Office, way: str, text: str) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14"), title="Odprawa"), by=office.staff, now=NOW)
    assert len(text[:MAX_LENGTH]) <= MAX_LENGTH
    assert titles(office.staff, f"odprawa {text}") in ([], ["Odprawa"])


def test_the_database_folds_letters_as_we_do() -> None:
    codes = (*range(0x30, 0x7B), *range(0xC0, 0x180), *range(0x391, 0x3D0), *range(0x400, 0x460))
    letters = [chr(code) for code in codes if chr(code).isalnum()]
    with connection.cursor() as cursor:
        for letter in letters:
            word = f"a{letter}b"
            cursor.execute("SELECT search_words(%s) @@ %s::tsquery", [word, f"'{plain(word)}'"])
            (same,) = cursor.fetchone() or ("",)
            assert same, f"{letter!r} U+{ord(letter):04X}"


@dataclass(frozen=True)
class Naive:
    """What a search finds, said plainly over all rows."""

    user: User
    now: datetime

    def find(self, asked: Wanted) -> list[int]:
        rows = [item for item in Occurrence.objects.select_related("booking") if self._fits(item, asked)]
        to_come = sorted((item for item in rows if item.ends_at > self.now), key=lambda item: (item.starts_at, item.pk))
        past = [item for item in rows if item.ends_at <= self.now]
        past.sort(key=lambda item: (item.starts_at, item.pk), reverse=True)
        return [item.pk for item in (*to_come, *past)]

    def _fits(self, meeting: Occurrence, asked: Wanted) -> bool:
        booking, rooms = meeting.booking, self._rooms(meeting)
        opened, on_board = self._may_open(meeting), not booking.is_private and any(room.is_active for room in rooms)
        cancelled = Booking.Status.CANCELLED in {booking.status, meeting.status}
        is_past = meeting.ends_at <= self.now
        state = {"": True, COMING: not is_past and not cancelled, PAST: is_past and not cancelled, CANCELLED: cancelled}
        checks = [
            opened or (on_board and not cancelled),
            state[asked.state],
            not asked.spans or any(span.overlaps(meeting.interval) for span in asked.spans),
            asked.room_ids is None or any(room.pk in asked.room_ids for room in rooms),
            not asked.with_me or self._is_mine(meeting),
            *(self._stands(word, meeting, rooms, opened=opened) for word in asked.words),
        ]
        return all(checks)

    def _stands(self, word: str, meeting: Occurrence, rooms: list[Room], *, opened: bool) -> bool:
        names = [meeting.own_title or meeting.booking.title, *map(name_of, rooms)]
        if opened:
            names += [f"{meeting.booking.organizer.name} {meeting.booking.organizer.email}"]
            for guest in self._guests(meeting):
                known = guest.user or guest.contact or guest
                names.append(f"{known.name} {known.email}")
                if guest.contact and guest.contact.institution:
                    names.append(guest.contact.institution.name)
        return any(fits(word, words_in(name)) for name in names)

    def _guests(self, meeting: Occurrence) -> list[Attendee]:
        invited = meeting.booking.attendees.filter(removed_at=None).select_related("user", "contact__institution")
        return [guest for guest in invited if guest.occurrence_id in {None, meeting.pk}]

    def _rooms(self, meeting: Occurrence) -> list[Room]:
        return [hold.room for hold in meeting.room_holds.filter(live=True).select_related("room__site")]

    def _is_mine(self, meeting: Occurrence) -> bool:
        keys = {meeting.booking.organizer_id, meeting.booking.created_by_id}
        return self.user.pk in keys | {guest.user_id for guest in self._guests(meeting)}

    def _may_open(self, meeting: Occurrence) -> bool:
        if self._is_mine(meeting):
            return True
        roles = SiteRoles.of(self.user)
        may = visible_to(self.user, roles).filter(pk=meeting.booking_id).exists()
        # Whoever is invited to other meetings alone may open those.
        return may and (roles.is_it_admin or not meeting.booking.attendees.filter(user=self.user).exists())


_WORDS = ("Narada", "Zespół", "Łódź", "Opole", "Odprawa", "sprawa 12", "3", "Żary-Południe", "Święto", "narodowe")
_NAMES = ("Józef Ćwik", "Łucja Święta", "Narada Nowak", "Ola Żak")


def book_many(office: Office, draw: random.Random, *, number: int) -> None:
    rooms = list(Room.objects.order_by("pk"))
    users = [office.staff, office.manager, office.colleague]
    for index in range(number):
        by = draw.choice(users)
        people = (
            Participant(email=f"gosc{index}@gmina{draw.randrange(3)}.example", name=draw.choice(_NAMES)),
            *(Participant(user_id=user.pk) for user in draw.sample(users, draw.randrange(3)) if user != by),
            *(
                Participant(contact_id=contact.pk)
                for contact in draw.sample(list(office.voivodeships.contacts.all()), 1)
            ),
        )
        request = ask(
            by,
            *draw.sample(rooms, draw.choice((0, 1, 1, 2))),
            start=at(7 + index % 10, day=datetime(2026, 11, 10 + index % 9)),
            minutes=draw.choice((30, 60)),
            title=" ".join(draw.sample(_WORDS, draw.randrange(1, 4))),
            participants=people[: draw.randrange(4)],
            is_private=draw.random() < 0.3,
        )
        try:
            booking = services.book(request, by=by, now=NOW)
        except services.Refused:
            continue
        if draw.random() < 0.15:
            services.cancel(booking, by=by, now=NOW)


def draw_search(draw: random.Random) -> Wanted:
    pieces = [
        word for text in (*_WORDS, *_NAMES, "Taborowa", "Sala", "mazowiecki", "gmina1") for word in words_in(text)
    ]
    words = tuple({word[: draw.randrange(1, 9)] for word in draw.sample(pieces, draw.choice((0, 1, 1, 2, 2, 3)))})
    spans = (day_span(*[date(2026, 11, draw.randrange(10, 18))] * 2),) if draw.random() < 0.2 else ()
    return Wanted(
        tuple(word for word in words if len(word) > 1 or word.isdecimal()),
        spans=spans,
        state=draw.choice(("", "", COMING, PAST, CANCELLED)),
        with_me=draw.random() < 0.15,
    )


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 2])
def test_the_search_agrees_with_a_plain_reading(office: Office, way: str, seed: int) -> None:
    draw = random.Random(seed)
    book_many(office, draw, number=30)
    now = NOW + timedelta(days=4)
    hits = 0
    for _round in range(20):
        asked = draw_search(draw)
        user = draw.choice([office.staff, office.manager, office.colleague, office.it_admin, office.newcomer])
        expected = Naive(User.objects.get(pk=user.pk), now).find(asked)
        assert [item.pk for item in found(user, asked, now=now, size=draw.choice((1, 4, 20)))] == expected, asked
        hits += len(expected)
    assert hits > 30


def count_queries(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        act()
    return len(queries)


def test_three_hits_ask_as_often_as_one(office: Office) -> None:
    def search() -> int:
        return count_queries(lambda: find_sessions(office.staff, wanted("odprawa wrzesinska"), now=NOW, size=20))

    def book(hour: int) -> None:
        people = tuple(Participant(email=f"{hour}{n}@gmina.example") for n in range(hour - 8))
        request = ask(office.staff, office.room("KOS/2.14"), start=at(hour), title="Odprawa", participants=people)
        services.book(request, by=office.staff, now=NOW)

    book(9)
    one = search()
    book(11)
    book(13)
    assert search() == one
