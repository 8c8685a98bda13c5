"""Says a roll call in words: how a party stands, how many come, which other time somebody proposes."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.models import Attendee, Proposal, as_interval
from bookings.wording import day_and_month, interval_range
from reports.roll_call import Group, Kind, Party, Standing

PartStat = Attendee.PartStat
#: In which order counts are said and drawn.
IN_ORDER = (
    Standing.CONFIRMED,
    Standing.PERHAPS,
    Standing.SENDS,
    Standing.NO,
    Standing.SILENT,
    Standing.UNREACHED,
)
#: What a participant's own answer is called, as that of a party.
_BY_PARTSTAT = {
    PartStat.ACCEPTED: Standing.CONFIRMED,
    PartStat.TENTATIVE: Standing.PERHAPS,
    PartStat.DECLINED: Standing.NO,
    PartStat.DELEGATED: Standing.SENDS,
    PartStat.NEEDS_ACTION: Standing.SILENT,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A tag: `kind` as components/tag.html knows it."""

    kind: str
    icon: str
    text: str


def mark(standing: Standing) -> Mark:
    match standing:
        case Standing.CONFIRMED:
            return Mark("ok", "check", pgettext("participant", "coming"))
        case Standing.PERHAPS:
            return Mark("warn", "info", pgettext("participant", "may come"))
        case Standing.SENDS:
            return Mark("warn", "user", pgettext("participant", "sends somebody else"))
        case Standing.NO:
            return Mark("danger", "x", pgettext("participant", "not coming"))
        case Standing.UNREACHED:
            return Mark("danger", "warn", pgettext("mail", "not delivered"))
        case _:
            return Mark("", "clock", pgettext("participant", "no answer"))


def answer_mark(partstat: str) -> Mark:
    return mark(_BY_PARTSTAT[PartStat(partstat)])


def filter_words(standing: Standing | None) -> str:
    """Return what the filter says before the number of whom it shows; of None: of everybody."""
    match standing:
        case None:
            return pgettext("filter of participants", "all")
        case Standing.CONFIRMED:
            return pgettext("filter of participants", "accepted")
        case Standing.PERHAPS:
            return pgettext("filter of participants", "maybe")
        case Standing.SENDS:
            return pgettext("filter of participants", "send somebody else")
        case Standing.NO:
            return pgettext("filter of participants", "declined")
        case Standing.UNREACHED:
            return pgettext("filter of participants", "not reached")
        case _:
            return pgettext("filter of participants", "no answer")


def kind_words(kind: Kind) -> str:
    match kind:
        case Kind.INSTITUTIONS:
            return _("Institutions")
        case Kind.GUESTS:
            return _("Guests without an institution")
        case _:
            return _("People of the office")


def summary(group: Group) -> str:
    """Return „16 instytucji: 12 potwierdzeń, 1 odmowa, 3 bez odpowiedzi; 47 osób”."""
    parts = ", ".join(_counted(standing, group.counted[standing]) for standing in IN_ORDER if group.counted[standing])
    text = f"{_parties(group.kind, len(group.parties))}: {parts}"
    coming = group.headcount()
    # Where everybody comes alone, their number says it.
    if not coming or (group.kind != Kind.INSTITUTIONS and coming == group.counted[Standing.CONFIRMED]):
        return text
    return f"{text}; {people(coming, is_counted=group.is_counted)}"


def headcount_words(party: Party) -> str:
    """Say how many come of a party; nothing of who does not, and of somebody alone."""
    if not party.coming or (party.kind != Kind.INSTITUTIONS and party.headcount == 1):
        return ""
    return people(party.headcount) if party.is_counted else _("number of people not given")


def people(count: int, *, is_counted: bool = True) -> str:
    words = ngettext("%(count)d person", "%(count)d people", count) % {"count": count}
    return words if is_counted else _("at least %(people)s") % {"people": words}


def proposed_time(proposal: Proposal, zone: ZoneInfo) -> str:
    """Return „11:30–12:30”, with the day where it is another one. `proposal.occurrence` is loaded."""
    interval = as_interval(proposal.period)
    day = interval.start_at.astimezone(zone).date()
    when = interval_range(interval, zone)
    if proposal.is_whole_series:
        return _("the whole series, %(times)s") % {"times": when}
    if day == proposal.occurrence.starts_at.astimezone(zone).date():
        return when
    return f"{day_and_month(day)}, {when}"


def _parties(kind: Kind, count: int) -> str:
    match kind:
        case Kind.INSTITUTIONS:
            text = ngettext("%(count)d institution", "%(count)d institutions", count)
        case Kind.GUESTS:
            text = ngettext("%(count)d guest without an institution", "%(count)d guests without an institution", count)
        case _:
            text = ngettext("%(count)d person of the office", "%(count)d people of the office", count)
    return text % {"count": count}


def _counted(standing: Standing, count: int) -> str:
    match standing:
        case Standing.CONFIRMED:
            text = ngettext("%(count)d confirmed", "%(count)d confirmed", count)
        case Standing.PERHAPS:
            text = ngettext("%(count)d tentative", "%(count)d tentative", count)
        case Standing.SENDS:
            text = ngettext("%(count)d sends somebody else", "%(count)d send somebody else", count)
        case Standing.NO:
            text = ngettext("%(count)d declined", "%(count)d declined", count)
        case Standing.UNREACHED:
            text = ngettext("%(count)d not reached", "%(count)d not reached", count)
        case _:
            text = ngettext("%(count)d without an answer", "%(count)d without an answer", count)
    return text % {"count": count}
