"""Says in plain sentences what somebody is reminded of, in the active language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from django.utils.formats import date_format
from django.utils.translation import get_language, npgettext, pgettext
from django.utils.translation import gettext as _

from bookings.wording import clock
from notifications.models import ReminderChoice, SiteReminders
from notifications.models.choices import Quiet
from notifications.reminder_terms import SiteTerms, Terms, office_terms, terms_for
from rooms.rule_words import length_text

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def lead_text(lead: timedelta) -> str:
    """„24 godziny”, „15 minut”, „3 dni”: before „przed”. A day is said in hours, as people set it."""
    if lead == _DAY:
        return npgettext("length", "%(count)d hour", "%(count)d hours", 24) % {"count": 24}
    return length_text(lead // timedelta(minutes=1))


def leads_text(leads: Sequence[timedelta]) -> str:
    """„24 godziny, 1 godzinę i 15 minut”."""
    *first, last = [lead_text(lead) for lead in leads]
    if not first:
        return last
    return _("%(list)s and %(last)s") % {"list": ", ".join(first), "last": last}


def before_text(leads: Sequence[timedelta]) -> str:
    """„24 godziny i 15 minut przed”, „bez przypomnień”."""
    if not leads:
        return pgettext("reminders", "none")
    return _("%(length)s before") % {"length": leads_text(leads)}


def hours_text(quiet: tuple[time, time] | None) -> str:
    """„21:00–6:00”."""
    return f"{clock(quiet[0])}–{clock(quiet[1])}" if quiet else pgettext("quiet hours", "none")


def weekly_text(weekly: tuple[int, time] | None) -> str:
    """„poniedziałek, 7:00”."""
    return f"{weekday_name(weekly[0])}, {clock(weekly[1])}" if weekly else pgettext("overview", "none")


def daily_text(at: time | None) -> str:
    return clock(at) if at else pgettext("overview", "none")


def weekday_name(weekday: int) -> str:
    name = date_format(date(2024, 1, 1 + weekday), "l")  # 1 January 2024 was a Monday
    return name.lower() if get_language() == "pl" else name


def effect(terms: Terms) -> str:
    """„Przypomnimy Ci 24 godziny i 15 minut przed każdym spotkaniem, nie między 21:00 a 6:00.”"""
    if not terms.leads:
        return _("We will not remind you of meetings. Invitations, changes and cancellations still come.")
    values = {"leads": leads_text(terms.leads), **_ends(terms)}
    if terms.quiet is None:
        return _("We will remind you %(leads)s before every meeting, at any hour.") % values
    return _("We will remind you %(leads)s before every meeting, not between %(from)s and %(to)s.") % values


def effect_for_guests(terms: Terms) -> str:
    """Say the same to who has no account, and is no colleague."""
    if not terms.leads:
        return _("No reminders come. Invitations, changes and cancellations still do.")
    values = {"leads": leads_text(terms.leads), **_ends(terms)}
    if terms.quiet is None:
        return _("Reminders come %(leads)s before every meeting, at any hour.") % values
    return _("Reminders come %(leads)s before every meeting, not between %(from)s and %(to)s.") % values


def effect_at_site(terms: Terms) -> str:
    """Say the same of people who chose nothing, to who manages their site."""
    if not terms.leads:
        return _("People who chose nothing are not reminded of meetings.")
    values = {"leads": leads_text(terms.leads), **_ends(terms)}
    if terms.quiet is None:
        return _("People who chose nothing are reminded %(leads)s before every meeting, at any hour.") % values
    return (
        _("People who chose nothing are reminded %(leads)s before every meeting, not between %(from)s and %(to)s.")
        % values
    )


def nudge_effect(terms: Terms) -> str:
    """„Kto nie odpowie na zaproszenie, dostanie jeszcze jedną prośbę, 3 dni przed spotkaniem.”"""
    if not terms.nudges:
        return _("Nobody is asked again for an answer to an invitation.")
    text = _("Who does not answer an invitation is asked again %(leads)s before the meeting.")
    return text % {"leads": leads_text(terms.nudges)}


@dataclass(frozen=True, slots=True)
class Effect:
    """What it comes to. `where`: the sites of whose sessions this is so; empty where it is so of all."""

    where: str
    text: str


def effects(choice: ReminderChoice | None, sites: Sequence[SiteTerms], say: Callable[[Terms], str]) -> list[Effect]:
    """Say what counts for who chose this, once where the sites do not differ."""
    found: dict[str, list[str]] = {}
    for site in sites:
        found.setdefault(say(terms_for(choice, site.terms)), []).append(site.site.label)
    if not found:
        return [Effect("", say(terms_for(choice, office_terms())))]
    return [Effect(", ".join(labels) if len(found) > 1 else "", text) for text, labels in found.items()]


def by_site(sites: Sequence[SiteTerms], say: Callable[[Terms], str]) -> str:
    """„24 godziny przed”; „Koszykowa: 24 godziny przed; Taborowa: 1 godzinę przed” where the sites differ."""
    said = effects(None, sites, say)
    return "; ".join(f"{one.where}: {one.text}" if one.where else one.text for one in said)


def states_of(row: SiteReminders) -> dict[str, str]:
    """Return what the site itself says, by name of the setting, for its history."""
    own = (row.quiet_from, row.quiet_to) if row.quiet_from and row.quiet_to else None
    weekly = (row.digest_weekday, row.digest_at) if row.digest_weekday is not None and row.digest_at else None
    return {
        _("reminders"): _as_the_office() if row.leads is None else before_text(row.leads),
        _("quiet hours"): _as_the_office() if row.quiet == Quiet.DEFAULT else hours_text(own),
        _("request for an answer"): nudge_text(row.nudge_lead),
        _("overview of the next day"): _overview(row.has_summary, clock(row.summary_at) if row.summary_at else ""),
        _("overview of the week"): _overview(row.has_digest, weekly_text(weekly) if weekly else ""),
    }


def nudge_text(lead: timedelta | None) -> str:
    """„3 dni przed”, „nigdy”, „jak w całym urzędzie”: as a row of a site has it."""
    if lead is None:
        return _as_the_office()
    return _("%(length)s before") % {"length": lead_text(lead)} if lead else pgettext("reminders", "never")


def _overview(is_wanted: bool, own: str) -> str:
    return own or _as_the_office() if is_wanted else pgettext("reminders", "never")


def _as_the_office() -> str:
    return pgettext("reminders", "as the office")


def _ends(terms: Terms) -> dict[str, str]:
    return {"from": clock(terms.quiet[0]), "to": clock(terms.quiet[1])} if terms.quiet else {}
