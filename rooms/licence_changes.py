"""Lets grants and shares of licences change together, and puts the database's refusal into words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import psycopg
from django.db import IntegrityError, connection, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from rooms.models import LicencePool, Site
from rooms.queries import midnight
from rooms.terms import allocation

_TRIGGERS = (
    "licence_grant_fits, licence_share_fits, licence_loan_fits, licence_emergency_fits, licence_named_fits,"
    " licence_zone_fits"
)


class AllocationRefused(Exception):
    """What is granted and shared out does not fit together, or not with what is booked. Its text is for people."""


@contextmanager
def licence_changes() -> Iterator[None]:
    """Open a transaction in which grants and shares may contradict each other until its end.

    Raises: AllocationRefused at the end, with nothing written, if shares exceed grants on some day, or if sessions
    that are booked need more than is left.
    """
    with transaction.atomic():
        _check_licences("DEFERRED")
        yield
        try:
            # A savepoint: after a refusal the figures for the message are read from what was tried.
            with transaction.atomic():
                _check_licences("IMMEDIATE")
        except IntegrityError as error:
            message = _in_words(error)
            if message is None:
                raise
            raise AllocationRefused(message) from error


def _check_licences(when: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS {_TRIGGERS} {when}")


def _in_words(error: IntegrityError) -> str | None:
    """Return the sentence for a refusal by the triggers of `bookings` migration 0002, or None for another error."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error):
        return None
    details = re.search(r"licence pool (\d+) .*?(\d{4}-\d\d-\d\d.*)", cause.diag.message_primary or "")
    if details is None:
        return None
    pool = LicencePool.objects.get(pk=int(details[1]))
    if cause.diag.constraint_name == "licence_shares_within_grant":
        return _shares_exceed_grants(pool, date.fromisoformat(details[2]))
    at = details[2]
    if cause.diag.constraint_name == "licence_share_covers_loans":
        site_id = re.search(r"site (\d+)", cause.diag.message_primary or "")
        assert site_id is not None
        return _lends_too_much(pool, Site.objects.get(pk=int(site_id[1])), date.fromisoformat(at))
    if cause.diag.constraint_name == "licence_peak":
        return _sessions_need_more(pool, datetime.fromisoformat(at).astimezone(UTC))
    if cause.diag.constraint_name == "named_licence_in_force":
        return _named_is_needed(pool, datetime.fromisoformat(at).astimezone(UTC))
    return None


def _shares_exceed_grants(pool: LicencePool, day: date) -> str:
    at = midnight(day, ZoneInfo(pool.time_zone))
    have = allocation(pool)
    return _(
        "%(pool)s, %(day)s: the sites' shares add up to %(shared)d, and %(granted)d are granted. "
        "Grant more seats or make a share smaller."
    ) % {
        "pool": pool.name,
        "day": date_format(day, "l, j E Y"),
        "shared": sum(have.shares_by_site(at).values()),
        "granted": have.granted(at),
    }


def _lends_too_much(pool: LicencePool, site: Site, day: date) -> str:
    at = midnight(day, ZoneInfo(pool.time_zone))
    shares = [row.seats for row in pool.shares.filter(site=site) if row.is_in_force(day)]
    left = allocation(pool).shares_by_site(at).get(site.pk, 0)
    return _(
        "%(pool)s, %(site)s, %(day)s: its share is %(share)d, and it would have lent and assigned %(given)d of it. "
        "Lend or assign fewer, or make the share larger."
    ) % {
        "pool": pool.name,
        "site": site.name,
        "day": date_format(day, "l, j E Y"),
        "share": sum(shares),
        "given": sum(shares) - left,
    }


def _named_is_needed(pool: LicencePool, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(pool.time_zone))
    return _(
        "%(pool)s, %(day)s at %(time)s: a session is booked with a named licence that would not be in force then. "
        "Let it end later, or cancel or move the session first."
    ) % {"pool": pool.name, "day": date_format(local, "l, j E Y"), "time": date_format(local, "H:i")}


def _sessions_need_more(pool: LicencePool, at: datetime) -> str:
    have = allocation(pool)
    local = at.astimezone(ZoneInfo(pool.time_zone))
    return _(
        "%(pool)s, %(day)s at %(time)s: sessions that are booked need more licences than this leaves them. %(granted)d "
        "are granted then, %(shared)d of them to sites. Leave more seats until then, or cancel or move sessions first."
    ) % {
        "pool": pool.name,
        "day": date_format(local, "l, j E Y"),
        "time": date_format(local, "H:i"),
        "shared": sum(have.shares_by_site(at).values()),
        "granted": have.granted(at),
    }
