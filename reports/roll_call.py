"""The roll call of a meeting: who of the invited institutions, guests and colleagues comes, with how many people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from accounts.alphabet import sort_key
from accounts.models import Institution
from bookings.answer_queries import answers_at
from bookings.models import Attendee, Booking, Proposal
from bookings.queries import BookingDetails
from notifications.deliveries import deliveries_of
from notifications.models import Message

PartStat = Attendee.PartStat


class Standing(StrEnum):
    """What is known of a party. The values stand in addresses, as those of the filters of a session's page."""

    CONFIRMED = "tak"
    PERHAPS = "moze"
    #: Sends somebody else, who has said nothing yet or is not invited.
    SENDS = "inni"
    SILENT = "brak"
    #: Said nothing, and none of the mails arrived.
    UNREACHED = "niedoreczone"
    NO = "nie"


class Kind(StrEnum):
    INSTITUTIONS = "institutions"
    GUESTS = "guests"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Person:
    """A participant at the meeting. `partstat`, `comment`: what counts at it. `proposal`: another time, open."""

    attendee: Attendee
    partstat: str
    comment: str
    is_unreached: bool
    proposal: Proposal | None


@dataclass(frozen=True)
class Party:
    """All who come for one institution, or somebody alone with whomever they send or registered.

    `people`: who was invited before whom they named.
    """

    kind: Kind
    name: str
    people: tuple[Person, ...]

    @cached_property
    def standing(self) -> Standing:
        return standing_of(self.people)

    @cached_property
    def coming(self) -> tuple[Person, ...]:
        """Return who comes; where nobody does for certain, who may."""
        for partstat in (PartStat.ACCEPTED, PartStat.TENTATIVE):
            if found := tuple(item for item in self.people if item.partstat == partstat):
                return found
        return ()

    @property
    def headcount(self) -> int:
        """Return how many people come, or may: numbers that were said, and at least everybody who comes by name.

        Who says no number is taken to be among those whom somebody else of the party has counted. What somebody said
        holds also when they send a colleague.
        """
        return max(self._said, len(self._named_coming), 1) if self.coming else 0

    @property
    def is_counted(self) -> bool:
        """Say whether the number is more than a guess: behind an institution's own address there may be many."""
        if self.kind != Kind.INSTITUTIONS or not self.coming:
            return True
        return bool(self._named_coming) or self._said > 0

    @property
    def rooms(self) -> tuple[str, ...]:
        """Return the rooms on their side, each once, of those who did not decline."""
        there = (item.attendee.own_room for item in self.people if item.partstat != PartStat.DECLINED)
        return tuple(dict.fromkeys(filter(None, there)))

    @property
    def _said(self) -> int:
        sending = (item for item in self.people if item.partstat == PartStat.DELEGATED)
        return sum(item.attendee.headcount or 0 for item in (*self.coming, *sending))

    @property
    def _named_coming(self) -> list[Person]:
        alone = self.kind != Kind.INSTITUTIONS
        return [item for item in self.coming if alone or item.attendee.named_by_id is not None]


@dataclass(frozen=True)
class Group:
    """The parties of one kind, by name."""

    kind: Kind
    parties: tuple[Party, ...]

    @cached_property
    def counted(self) -> Counter[Standing]:
        return Counter(party.standing for party in self.parties)

    def headcount(self, standing: Standing = Standing.CONFIRMED) -> int:
        """Return how many people come of those parties; of others than who comes or may come, none."""
        return sum(party.headcount for party in self.parties if party.standing == standing)

    @property
    def is_counted(self) -> bool:
        return all(party.is_counted for party in self.parties if party.standing == Standing.CONFIRMED)


def roll_call(details: BookingDetails) -> list[Group]:
    """Return the groups that have somebody, institutions first: four queries, however many there are."""
    people = _people(details)
    namers = _namers(details)
    found: dict[tuple[Kind, int], list[Person]] = {}
    institutions: dict[int, Institution] = {}
    for person in people:
        line = _line(person.attendee, namers)
        # The address that was invited first speaks for its people, wherever they belong themselves.
        invited = [item.contact.institution for item in line if item.contact and item.contact.institution]
        if invited:
            institutions[invited[-1].pk] = invited[-1]
            key = (Kind.INSTITUTIONS, invited[-1].pk)
        else:
            head = next(item for item in reversed(line) if item.removed_at is None)
            key = (Kind.STAFF if head.user_id else Kind.GUESTS, head.pk)
        found.setdefault(key, []).append(person)
    parties = [
        _party(kind, institutions.get(pk) if kind == Kind.INSTITUTIONS else None, found[kind, pk]) for kind, pk in found
    ]
    groups = (Group(kind, tuple(party for party in parties if party.kind == kind)) for kind in Kind)
    return [Group(group.kind, _by_name(group.parties)) for group in groups if group.parties]


def mark_of(booking: Booking) -> str:
    """Return by what a roll call is known: another mark, and something it shows may be different. Two queries.

    Answers, people, and what they say of themselves leave events; mails that come back don't.
    """
    failed = booking.messages.filter(state=Message.State.FAILED, kind__in=Message.ITIP).count()
    return f"{booking.events.count()}.{failed}"


def standing_of(people: Sequence[Person]) -> Standing:
    """Say where a party stands: the best that any of them said; else what is still open; else no.

    Who sends somebody else is spoken for by whom they named, if these are here.
    """
    said = {item.partstat for item in people}
    if PartStat.ACCEPTED in said:
        return Standing.CONFIRMED
    if PartStat.TENTATIVE in said:
        return Standing.PERHAPS
    sending = {item.attendee.pk for item in people if item.partstat == PartStat.DELEGATED}
    named = {item.attendee.named_by_id for item in people}
    waiting = [item for item in people if item.partstat == PartStat.NEEDS_ACTION]
    reached = [item for item in waiting if not item.is_unreached]
    if sending - named or any(item.attendee.named_by_id in sending for item in reached):
        return Standing.SENDS
    if reached:
        return Standing.SILENT
    return Standing.UNREACHED if waiting else Standing.NO


def _people(details: BookingDetails) -> list[Person]:
    given = answers_at(details.booking, details.occurrence, details.attendees)
    mails = deliveries_of(details.booking).by_attendee
    proposals = _proposals(details)
    found = []
    for attendee in details.attendees:
        mail, answer = mails.get(attendee.pk), given[attendee.pk]
        is_unreached = mail is not None and mail.state == Message.State.FAILED
        comment = answer.comment if details.may_change else ""
        found.append(Person(attendee, answer.partstat, comment, is_unreached, proposals.get(attendee.pk)))
    return found


def _proposals(details: BookingDetails) -> Mapping[int, Proposal]:
    """Return by participant the other time that they propose for this meeting, for those who decide about it."""
    if not details.may_change:
        return {}
    found = Proposal.objects.filter(occurrence=details.occurrence, state=Proposal.State.OPEN)
    return {item.attendee_id: item for item in found.select_related("occurrence")}


def _namers(details: BookingDetails) -> Mapping[int, Attendee]:
    """Return by key whoever named somebody, those who are no longer invited as well."""
    namers = details.booking.attendees.filter(named__isnull=False).distinct()
    return {item.pk: item for item in namers.select_related("contact__institution")}


def _line(attendee: Attendee, namers: Mapping[int, Attendee]) -> list[Attendee]:
    """Return the participant, who named them, who named those, and so on."""
    line = [attendee]
    while (namer := namers.get(line[-1].named_by_id or 0)) and namer not in line:
        line.append(namer)
    return line


def _party(kind: Kind, institution: Institution | None, people: Iterable[Person]) -> Party:
    in_order = sorted(people, key=lambda item: (item.attendee.named_by_id is not None, item.attendee.pk))
    return Party(kind, institution.name if institution else in_order[0].attendee.label, tuple(in_order))


def _by_name(parties: Iterable[Party]) -> tuple[Party, ...]:
    """Sort by name, the organizer before everybody."""
    return tuple(sorted(parties, key=lambda party: (not party.people[0].attendee.is_organizer, sort_key(party.name))))
