"""What an organizer is told of answers: a no, one that is not certain, another time that is proposed."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.models import Answer, Attendee, Booking, Occurrence, Proposal, as_interval
from bookings.wording import interval_range
from notifications.compose.notice_parts import Row, Told, facts_of_meeting, page_of, when_in_words

_PartStat = Attendee.PartStat


def declined(row: Row) -> Told:
    answer = _answer(row)
    return Told(
        kicker=_("Somebody can't come"),
        title=title_of(answer.booking, answer.occurrence),
        facts=facts_of_meeting(answer.booking, answer.occurrence, row),
        paragraphs=(_declined_words(answer), said(answer.comment)),
        button=_("Open the session"),
        url=page_of(answer.booking, answer.occurrence),
    )


def uncertain(row: Row) -> Told:
    answer = _answer(row)
    return Told(
        kicker=_("An answer needs your decision"),
        title=title_of(answer.booking, answer.occurrence),
        facts=facts_of_meeting(answer.booking, answer.occurrence, row),
        paragraphs=(_uncertain_words(answer), said(answer.comment), _uncertain_way(answer)),
        button=_("Look at the answer"),
        url=f"{page_of(answer.booking, answer.occurrence)}#answers",
    )


def proposed(row: Row) -> Told:
    proposal = Proposal.objects.select_related("attendee", "occurrence", "booking").get(pk=row.key("proposal"))
    booking, meeting = proposal.booking, proposal.occurrence
    interval = as_interval(proposal.period)
    values = {"name": who(proposal.attendee), "when": when_in_words(interval, booking.zone, row)}
    if proposal.is_whole_series:
        values["when"] = interval_range(interval, row.zone)
        words = _("%(name)s proposes another time of day for the whole series: %(when)s.") % values
    else:
        words = _("%(name)s proposes another time: %(when)s.") % values
    doubt = "" if proposal.is_certain else _("The mail may have been sent by somebody else; ask if in doubt.")
    return Told(
        kicker=_("Another time is proposed"),
        title=title_of(booking, meeting),
        facts=facts_of_meeting(booking, None if proposal.is_whole_series else meeting, row),
        paragraphs=(
            words,
            said(proposal.comment),
            doubt,
            _("Nothing moves until you accept it. The page shows what is in its way."),
        ),
        button=_("Accept or decline"),
        url=f"{page_of(booking, meeting)}#proposals",
    )


def title_of(booking: Booking, meeting: Occurrence | None) -> str:
    return (meeting.own_title if meeting else "") or booking.title


def who(attendee: Attendee) -> str:
    """Name a participant so that two of one name are told apart."""
    return f"{attendee.name} ({attendee.email})" if attendee.name else attendee.label


def _answer(row: Row) -> Answer:
    return Answer.objects.select_related("attendee", "occurrence", "booking").get(pk=row.key("answer"))


def _declined_words(answer: Answer) -> str:
    values = {"name": who(answer.attendee) if answer.attendee else answer.email}
    if answer.booking.is_series and answer.occurrence is None:
        return _("%(name)s is not coming to any meeting of the series.") % values
    return _("%(name)s is not coming.") % values


def _uncertain_words(answer: Answer) -> str:
    values = {
        "name": who(answer.attendee) if answer.attendee else (answer.name or answer.email),
        "email": answer.email,
        "other": answer.delegated_to,
        "answer": _partstat_words(answer.partstat),
    }
    if answer.standing == Answer.Standing.STRANGER:
        return _("%(name)s (%(email)s) was not invited and answered: %(answer)s.") % values
    if answer.partstat == _PartStat.DELEGATED and answer.delegated_to:
        return _("%(name)s is not coming and is sending %(other)s, who is not invited yet.") % values
    return _("%(name)s seems to have answered: %(answer)s. It is not certain that the mail is theirs.") % values


def _uncertain_way(answer: Answer) -> str:
    if answer.standing == Answer.Standing.UNCONFIRMED:
        return _("It does not count until you say so.")
    return _("Nobody is invited until you say so.")


def _partstat_words(partstat: str) -> str:
    words: dict[str, str] = {
        _PartStat.ACCEPTED: pgettext("answer", "yes"),
        _PartStat.DECLINED: pgettext("answer", "no"),
        _PartStat.TENTATIVE: pgettext("answer", "maybe"),
        _PartStat.DELEGATED: pgettext("answer", "sends somebody else"),
    }
    return words.get(partstat, pgettext("answer", "no decision yet"))


def said(comment: str) -> str:
    short = comment if len(comment) <= 500 else comment[:499].rstrip() + "…"
    return pgettext("what somebody wrote", "“%(words)s”") % {"words": short} if short else ""
