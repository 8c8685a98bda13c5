"""The roll call as tables for files: a line for each party, and one for each person."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from reports.roll_call import Group, Party, Person
from reports.tables import Row, Sheet
from reports.views.roll_call_words import answer_mark, kind_words, mark, proposed_time


def parties_sheet(groups: Sequence[Group], *, zone: ZoneInfo) -> Sheet:
    """Return a line for each tile of the page. A number of people that nobody said is left empty."""
    header = (
        pgettext("of participants", "Group"),
        pgettext("of participants", "Who"),
        _("State"),
        _("Number of people"),
        _("Room on their side"),
        pgettext("of participants", "Comment"),
        _("Proposed time"),
        _("E-mail addresses"),
    )
    rows: list[Row] = [
        (
            kind_words(group.kind),
            party.name,
            mark(party.standing).text,
            _headcount(party),
            ", ".join(party.rooms),
            "\n".join(person.comment for person in party.people if person.comment),
            "\n".join(_proposal(person, zone) for person in party.people if person.proposal),
            ", ".join(person.attendee.email for person in party.people),
        )
        for group in groups
        for party in group.parties
    ]
    return Sheet("instytucje", _("Institutions"), header, rows)


def people_sheet(groups: Sequence[Group], *, zone: ZoneInfo) -> Sheet:
    """Return a line for each participant, with the party that they come with."""
    header = (
        pgettext("of participants", "Group"),
        _("With whom"),
        pgettext("of a person", "Name"),
        _("E-mail address"),
        pgettext("of participants", "Answer"),
        pgettext("mail", "Delivery"),
        _("Number of people"),
        _("Room on their side"),
        pgettext("of participants", "Comment"),
        _("Proposed time"),
    )
    rows: list[Row] = [
        (
            kind_words(group.kind),
            party.name,
            person.attendee.name,
            person.attendee.email,
            answer_mark(person.partstat).text,
            pgettext("mail", "not delivered") if person.is_unreached else "",
            person.attendee.headcount,
            person.attendee.own_room,
            person.comment,
            _proposal(person, zone),
        )
        for group in groups
        for party in group.parties
        for person in party.people
    ]
    return Sheet("osoby", _("Participants"), header, rows)


def _headcount(party: Party) -> int | None:
    return party.headcount if party.coming and party.is_counted else None


def _proposal(person: Person, zone: ZoneInfo) -> str:
    return proposed_time(person.proposal, zone) if person.proposal else ""
