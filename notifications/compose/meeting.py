"""Says what a letter says once more, in the words of RFC 5545."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.conf import settings
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from bookings.models import Attendee, Booking, MeetingAnswer
from bookings.party_queries import named_in
from integrations.ical.render import Meeting, Override, Person, Series, Single
from integrations.ical.text import paragraphs
from integrations.places import Place
from notifications.compose.letter import Letter
from notifications.compose.matter import Matter
from notifications.compose.series import SeriesFacts, Slot, rule_of
from notifications.compose.shelf import Shelf
from notifications.models import Message


def from_letter(letter: Letter, *, shelf: Shelf) -> Meeting:
    """Return the event as this recipient is told of it; texts are in the language that is active."""
    booking = letter.booking
    delegated_from, delegated_to = _delegation(letter, shelf)
    return Meeting(
        uid=booking.uid,
        sequence=letter.sequence,
        stamped_at=booking.stamped_at,
        interval=letter.interval,
        time_zone=booking.time_zone,
        summary=letter.title,
        description=_description(letter, "\n\n".join(letter.paragraphs), letter.places),
        place=_place(letter.places),
        join_url=letter.join_url,
        join_label=pgettext("button in a calendar", "Join"),
        phone_url=letter.dial_in.href if letter.dial_in else "",
        phone_label=pgettext("button in a calendar", "By phone") if letter.dial_in else "",
        # Answers go to the ORGANIZER, so it is the address that the mail comes from (A6), with the person's name.
        organizer=Person(settings.MAIL_FROM, letter.organizer.name),
        attendee=Person(letter.recipient, letter.attendee.name),
        is_chair=letter.attendee.is_organizer,
        partstat=_partstat(letter, shelf),
        delegated_from=delegated_from,
        delegated_to=delegated_to,
        is_private=booking.is_private,
        part_of=_part_of(letter, shelf),
    )


def _part_of(letter: Letter, shelf: Shelf) -> Series | Single | None:
    matter = letter.matter
    if matter.series is not None:
        return _whole(letter, matter.series, shelf)
    return _single(matter) if matter.recurrence_at is not None else None


def _whole(letter: Letter, facts: SeriesFacts, shelf: Shelf) -> Series:
    booking, absent = letter.booking, letter.matter.absent
    if letter.kind == Message.Kind.CANCELLATION:
        return Series(facts.rule)
    key = ("overrides", booking.pk, booking.version, get_language())
    overrides = shelf.keep(key, lambda: _overrides(letter, facts))
    mine = [override for pk, override in _answered(letter, facts, overrides, shelf).items() if pk not in absent]
    without = shelf.keep(("without", booking.pk, booking.version, absent), lambda: facts.without(absent))
    return Series(facts.rule, without, tuple(mine), booking.follows.uid if booking.follows else "")


def _answered(
    letter: Letter, facts: SeriesFacts, overrides: Mapping[int, Override], shelf: Shelf
) -> Mapping[int, Override]:
    """Return the overrides with what this recipient answered about single meetings.

    A meeting that they answered by itself is one as well: a calendar forgets what isn't repeated (D6), and theirs would
    say yes to all of the series again.
    """
    own = _own_answers(letter, shelf)
    if not own:
        return overrides
    found = dict(overrides)
    for slot in facts.slots:
        if (partstat := own.get(slot.occurrence.pk)) is not None:
            override = found.get(slot.occurrence.pk) or _override(letter, facts, slot)
            found[slot.occurrence.pk] = replace(override, partstat=partstat)
    return found


def _partstat(letter: Letter, shelf: Shelf) -> str:
    """Return what counts now of what the recipient answered: of the one meeting that the mail is about, or of all."""
    of_all = letter.attendee.partstat
    if letter.matter.recurrence_at is None:
        return of_all
    return _own_answers(letter, shelf).get(letter.occurrence.pk, of_all)


def _delegation(letter: Letter, shelf: Shelf) -> tuple[str, str]:
    """Return the address of who sends the recipient, and of whom they send (RFC 5546 3.2.2.3); empty for nobody.

    Only where somebody may be is it asked for: one query for a batch.
    """
    attendee, booking = letter.attendee, letter.booking
    if attendee.named_by_id is None and attendee.partstat != Attendee.PartStat.DELEGATED:
        return "", ""
    named = shelf.keep(("named", booking.pk, booking.version), lambda: named_in(booking))
    mine = named.get(attendee.pk)
    sent = next((item.who.email for item in named.values() if item.sent and item.by.pk == attendee.pk), "")
    return mine.by.email if mine and mine.sent else "", sent


def _own_answers(letter: Letter, shelf: Shelf) -> Mapping[int, str]:
    """Return what the recipient answered about single meetings of the series, by meeting: one query for a batch."""
    if not letter.booking.is_series:
        return {}
    found = shelf.keep(("answers", letter.booking.pk, letter.booking.version), lambda: _read_answers(letter.booking))
    return found.get(letter.attendee.pk, {})


def _read_answers(booking: Booking) -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = {}
    given = MeetingAnswer.objects.filter(attendee__booking=booking, occurrence__booking=booking)
    for attendee_id, occurrence_id, partstat in given.values_list("attendee_id", "occurrence_id", "partstat"):
        found.setdefault(attendee_id, {})[occurrence_id] = partstat
    return found


def _overrides(letter: Letter, facts: SeriesFacts) -> dict[int, Override]:
    return {slot.occurrence.pk: _override(letter, facts, slot) for slot in facts.slots if not slot.is_plain}


def _override(letter: Letter, facts: SeriesFacts, slot: Slot) -> Override:
    booking, meeting = letter.booking, slot.occurrence
    at = facts.places if slot.places is None else slot.places
    return Override(
        starts=slot.starts,
        interval=slot.interval,
        summary=meeting.own_title or booking.title,
        description=_description(letter, paragraphs(meeting.own_description or booking.description), at),
        place=_place(at),
    )


def _single(matter: Matter) -> Single:
    """Name the one meeting as the recipient's calendar does: by the rule of today, or the one that it still knows."""
    assert matter.recurrence_at
    rule = rule_of(matter.booking)
    return Single(rule, rule.name_of(matter.recurrence_at))


def _place(places: Sequence[Place]) -> str:
    return "; ".join(str(place) for place in places)


def _description(letter: Letter, text: str, places: Sequence[Place]) -> str:
    contact = ", ".join(filter(None, [letter.organizer.name, letter.organizer.phone, letter.organizer.email]))
    parts = [text] if text else []
    if places:
        parts.append("\n".join([_("Rooms:"), *(str(place) for place in places)]))
    if letter.dial_in:
        call = {"number": letter.dial_in.number.shown, "pin": letter.dial_in.grouped}
        parts.append(_("By phone: %(number)s, PIN %(pin)s #") % call)
    parts.append(_("Contact: %(contact)s") % {"contact": contact})
    return "\n\n".join(parts)
