"""Every kind of rule as a sentence in both languages; the reading of rules and exemptions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import translation

from rooms import queries
from rooms.models import BookingRule, Exemption
from rooms.rule_words import length_text, sentence, sentence_of
from rooms.rules import Kind, Rule, RuleBook, Waiver
from tests.bookings.requests import NOW
from tests.factories import Office

_ROOM = {"room": "Sala 1.03"}
_NAMED = {"room": "Gabinet narad 3.01"}
_SITE = {"site": "Koszykowa"}


@pytest.mark.parametrize(
    ("rule", "names", "english", "polish"),
    [
        (
            Rule(Kind.WINDOW, 90, room_id=1),
            _ROOM,
            "“Sala 1.03” can be booked at most 90 days ahead.",
            "Salę 1.03 można rezerwować najwyżej 90 dni naprzód.",
        ),
        (
            Rule(Kind.WINDOW, 0, room_id=1),
            _NAMED,
            "“Gabinet narad 3.01” can be booked for the same day only.",
            "Salę „Gabinet narad 3.01” można rezerwować tylko na ten sam dzień.",
        ),
        (
            Rule(Kind.NOTICE, 90, site_id=1),
            _SITE,
            "Rooms of the site Koszykowa can be booked until 1 hour 30 minutes before the start.",
            "Sale w lokalizacji Koszykowa można rezerwować najpóźniej 1 godzinę 30 minut przed początkiem.",
        ),
        (
            Rule(Kind.LENGTH, 240),
            {},
            "One meeting in the whole office lasts at most 4 hours.",
            "Jedno spotkanie w całym urzędzie trwa najwyżej 4 godziny.",
        ),
        (
            Rule(Kind.PERSON_HOURS, 1, room_id=1),
            _ROOM,
            "One person may hold sessions in “Sala 1.03” for at most 1 hour a week, Monday to Sunday.",
            "Jedna osoba może mieć w sali 1.03 sesje trwające najwyżej 1 godzinę tygodniowo, od poniedziałku do "
            "niedzieli.",
        ),
        (
            Rule(Kind.UNIT_HOURS, 22, site_id=1),
            _SITE,
            "One unit may hold sessions in rooms of the site Koszykowa for at most 22 hours a week, Monday to Sunday.",
            "Jedna komórka może mieć w salach lokalizacji Koszykowa sesje trwające najwyżej 22 godziny tygodniowo, od "
            "poniedziałku do niedzieli.",
        ),
        (
            Rule(Kind.BOOK, 1, room_id=1, role="staff"),
            _ROOM,
            "“Sala 1.03” can be booked by staff of the site.",
            "Salę 1.03 mogą rezerwować pracownicy tej lokalizacji.",
        ),
        (
            Rule(Kind.BOOK, 0),
            {},
            "Rooms can be booked only by whom another rule or an exemption allows it.",
            "Sale mogą rezerwować tylko osoby, którym pozwala na to inna zasada lub zwolnienie.",
        ),
        (
            Rule(Kind.APPROVAL, 1, room_id=1),
            _ROOM,
            "“Sala 1.03” can be booked with the approval of a manager of the site.",
            "Salę 1.03 rezerwuje się za zgodą kierownika lokalizacji.",
        ),
        (
            Rule(Kind.APPROVAL, 0, room_id=1, role="staff"),
            _ROOM,
            "“Sala 1.03” can be booked without anybody's approval. This applies to staff of the site who do not manage "
            "it.",
            "Salę 1.03 można rezerwować bez niczyjej zgody. "
            "Dotyczy pracowników lokalizacji, którzy nie są jej kierownikami.",
        ),
        (
            Rule(Kind.ANY_HOUR, 1, role="manager"),
            {},
            "Rooms can be booked outside opening hours as well. This applies to managers of the site.",
            "Sale można rezerwować także poza godzinami otwarcia. Dotyczy kierowników lokalizacji.",
        ),
        (
            Rule(Kind.ANY_HOUR, 0, site_id=1),
            _SITE,
            "Rooms of the site Koszykowa can be booked within opening hours only.",
            "Sale w lokalizacji Koszykowa można rezerwować tylko w godzinach otwarcia.",
        ),
    ],
)
def test_sentence(rule: Rule, names: dict[str, str], english: str, polish: str) -> None:
    for language, text in (("en", english), ("pl", polish)):
        with translation.override(language):
            assert sentence(rule, **names) == text


@pytest.mark.parametrize(
    ("minutes", "polish"),
    [
        (0, "0 minut"),
        (1, "1 minutę"),
        (45, "45 minut"),
        (60, "1 godzinę"),
        (135, "2 godziny 15 minut"),
        (2880, "2 dni"),
    ],
)
def test_length(minutes: int, polish: str) -> None:
    with translation.override("pl"):
        assert length_text(minutes) == polish


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("role", ["", "staff", "manager"])
def test_every_kind_has_a_sentence_for_every_role(kind: Kind, role: str) -> None:
    for value in (0, 1):
        assert sentence(Rule(kind, value, role=role)).endswith(".")


@pytest.mark.django_db
class TestReading:
    def test_rules_of_rooms_sites_and_office_with_exemptions_in_one_query(
        self, office: Office, django_assert_num_queries: Any
    ) -> None:
        room, other = office.room("KOS/2.14"), office.room("BIA/5")
        make = BookingRule.objects.create
        ours = [
            make(kind="window", value=90),
            make(kind="window", value=30, site=room.site),
            make(kind="length", value=60, room=room),
        ]
        make(kind="window", value=14, site=other.site)
        make(kind="notice", value=14, room=other)
        today = date(2026, 11, 9)
        mine = self.exempt(office, "window", today, today)
        self.exempt(office, "length", date(2026, 11, 1), date(2026, 11, 8))
        self.exempt(office, "length", date(2026, 11, 10), date(2026, 11, 30))
        with django_assert_num_queries(1):
            book = queries.booking_rules(rooms=[room], user_ids={office.staff.pk, office.manager.pk}, on=today)
        assert (set(book.rules), book.waivers) == (
            {queries.as_rule(rule) for rule in ours},
            (Waiver(mine.pk, Kind.WINDOW, None),),
        )
        assert queries.booking_rules(rooms=[], user_ids=[office.colleague.pk], on=today) == RuleBook(
            (queries.as_rule(ours[0]),)
        )
        assert len(queries.booking_rules(rooms=None, user_ids=(), on=today).rules) == 5

    def exempt(self, office: Office, kind: str, first: date, last: date) -> Exemption:
        return Exemption.objects.create(
            user=office.staff,
            kind=kind,
            valid_from=first,
            valid_to=last,
            reason="Projekt",
            granted_by=office.it_admin,
            granted_at=NOW,
        )

    def test_list_goes_from_the_office_to_sites_to_rooms(self, office: Office, django_assert_num_queries: Any) -> None:
        room = office.room("KOS/2.14")
        make = BookingRule.objects.create
        third = make(kind="window", value=5, room=room)
        fourth = make(kind="window", value=5, site=office.biala)
        second = make(kind="length", value=60, site=office.koszykowa)
        first = make(kind="window", value=90)
        with django_assert_num_queries(1):
            found = queries.listed_rules()
            assert [sentence_of(rule) for rule in found]
        assert found == [first, second, third, fourth]
