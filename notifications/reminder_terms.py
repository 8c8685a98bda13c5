"""What a person, a site or the office is reminded of now, and who said so: the narrowest that said anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import time, timedelta
from enum import StrEnum

from django.conf import settings

from accounts.models import User
from bookings.models import Attendee
from notifications.models import ReminderChoice, SiteReminders
from notifications.models.choices import Quiet
from rooms.models import Site
from rooms.permissions import SiteRoles


class Source(StrEnum):
    OFFICE = "office"
    SITE = "site"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts, each with its source.

    `leads`, `nudges`: how long before the start, longest first. `quiet`: from when until when nobody is reminded, over
    midnight where the second is earlier; None: at no hour. `summary_at`, `digest_at`: None where there is none; the
    weekday is numbered as `date.weekday()`.
    """

    leads: tuple[timedelta, ...]
    quiet: tuple[time, time] | None
    nudges: tuple[timedelta, ...]
    summary_at: time | None
    digest_at: tuple[int, time] | None
    leads_by: Source = Source.OFFICE
    quiet_by: Source = Source.OFFICE
    nudges_by: Source = Source.OFFICE
    summary_by: Source = Source.OFFICE
    digest_by: Source = Source.OFFICE


@dataclass(frozen=True, slots=True)
class SiteTerms:
    """`row`: what the site itself said, None where it said nothing ever."""

    site: Site
    row: SiteReminders | None
    terms: Terms


def office_terms() -> Terms:
    return Terms(
        leads=_ordered(settings.REMINDER_LEADS),
        quiet=settings.REMINDER_QUIET,
        nudges=_ordered(lead for lead in settings.RSVP_NUDGE_LEADS if lead),
        summary_at=settings.SUMMARY_AT,
        digest_at=settings.DIGEST_AT,
    )


def terms_of_site(row: SiteReminders | None) -> Terms:
    """Return what counts for people who chose nothing, where the site said this."""
    terms = office_terms()
    if row is None:
        return terms
    terms = _with_hours(terms, row, by=Source.SITE)
    if row.nudge_lead is not None:
        terms = replace(terms, nudges=(row.nudge_lead,) if row.nudge_lead else (), nudges_by=Source.SITE)
    if not row.has_summary or row.summary_at is not None:
        terms = replace(terms, summary_at=row.summary_at, summary_by=Source.SITE)
    if not row.has_digest:
        terms = replace(terms, digest_at=None, digest_by=Source.SITE)
    elif row.digest_weekday is not None and row.digest_at is not None:
        terms = replace(terms, digest_at=(row.digest_weekday, row.digest_at), digest_by=Source.SITE)
    return terms


def terms_for(choice: ReminderChoice | None, at_site: Terms) -> Terms:
    """Return what counts for who chose this, of sessions of a site with those terms."""
    if choice is None:
        return at_site
    terms = _with_hours(at_site, choice, by=Source.OWN)
    if not choice.wants_nudge:
        terms = replace(terms, nudges=(), nudges_by=Source.OWN)
    if not choice.wants_summary:
        terms = replace(terms, summary_at=None, summary_by=Source.OWN)
    if not choice.wants_digest:
        terms = replace(terms, digest_at=None, digest_by=Source.OWN)
    return terms


def choice_of(user: User) -> ReminderChoice | None:
    return ReminderChoice.objects.filter(user=user).first()


def choice_for(attendee: Attendee) -> ReminderChoice | None:
    """Return what the participant chose: of one with an account it is the account's choice, else the address's."""
    if attendee.user_id is not None:
        return ReminderChoice.objects.filter(user=attendee.user_id).first()
    return ReminderChoice.objects.filter(address=attendee.email.lower()).first()


def terms_of_sites_of(user: User) -> tuple[SiteTerms, ...]:
    """Return what the sites say at which the user has a role, in the office's order; one query beside the roles."""
    roles = SiteRoles.of(user)
    return _listed(Site.objects.filter(pk__in=roles.staff_sites).order_by("position", "pk"))


def terms_of_sites_managed_by(user: User) -> tuple[SiteTerms, ...]:
    """Return the sites whose terms the user may change: managers their own, IT admins all."""
    roles, sites = SiteRoles.of(user), Site.objects.order_by("position", "pk")
    return _listed(sites if roles.is_it_admin else sites.filter(pk__in=roles.managed_sites))


def terms_of_session(attendee: Attendee) -> SiteTerms | None:
    """Return what the site says that hosts the session of the participant; None where no site does."""
    found = _listed(Site.objects.filter(pk__in=filter(None, [attendee.booking.host_site_id])))
    return found[0] if found else None


def _listed(sites: Iterable[Site]) -> tuple[SiteTerms, ...]:
    sites = list(sites)
    rows = {row.site_id: row for row in SiteReminders.objects.filter(site__in=sites)}
    return tuple(SiteTerms(site, rows.get(site.pk), terms_of_site(rows.get(site.pk))) for site in sites)


def _with_hours(terms: Terms, row: ReminderChoice | SiteReminders, *, by: Source) -> Terms:
    if row.leads is not None:
        terms = replace(terms, leads=_ordered(row.leads), leads_by=by)
    if row.quiet == Quiet.NONE:
        return replace(terms, quiet=None, quiet_by=by)
    if row.quiet_from is not None and row.quiet_to is not None:
        return replace(terms, quiet=(row.quiet_from, row.quiet_to), quiet_by=by)
    return terms


def _ordered(leads: Iterable[timedelta]) -> tuple[timedelta, ...]:
    return tuple(sorted(leads, reverse=True))


def known_leads(*terms: Terms, also: Sequence[timedelta] = ()) -> tuple[timedelta, ...]:
    """Return the lengths to choose from: the usual ones, and whatever the office, a site or the person has."""
    usual = (timedelta(hours=24), timedelta(hours=1), timedelta(minutes=15))
    own = (lead for one in terms for lead in one.leads)
    return _ordered({*usual, *settings.REMINDER_LEADS, *own, *also})
