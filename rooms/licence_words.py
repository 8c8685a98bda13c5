"""Sentences that say why the terms of a pool can't be changed so: each with the day and the number that do not fit."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from rooms.models import LicenceLoan, NamedLicence


def day_words(day: date) -> str:
    """„środa, 25 listopada 2026”"""
    text = date_format(day, "l, j E Y")
    # Names of days are written in lower case in Polish; Django has them capitalised.
    return text[:1].lower() + text[1:] if get_language() == "pl" else text


def _number(value: Any) -> str:
    return number_format(value) if isinstance(value, int | float) else str(value)


def not_seats(seats: Any, least: int, most: int, day: date) -> str:
    return _("%(day)s: %(seats)s can't be a number of licences. Write a whole number from %(least)d to %(most)d.") % {
        "day": day_words(day),
        "seats": _number(seats),
        "least": least,
        "most": most,
    }


def same_seats(seats: int) -> str:
    return ngettext(
        "Nothing has changed: it is %(seats)d licence already. Write another number.",
        "Nothing has changed: it is %(seats)d licences already. Write another number.",
        seats,
    ) % {"seats": seats}


def not_days(days: Any, most: int) -> str:
    values = {"days": _number(days), "most": most}
    return _("%(days)s can't be a number of days. Write a whole number from 0 to %(most)d.") % values


def is_over(day: date, now_on: date) -> str:
    values = {"day": day_words(day), "today": day_words(now_on)}
    return _("%(day)s is over. What happened then stays as it was; choose a day from today on (%(today)s).") % values


def too_far(day: date, last_year: int) -> str:
    return _("%(day)s is too far ahead. Choose a day up to the year %(year)d.") % {
        "day": day_words(day),
        "year": last_year,
    }


def last_before_first(first: date, last: date) -> str:
    values = {"first": day_words(first), "last": day_words(last)}
    return _("The last day, %(last)s, is before the first one, %(first)s. Choose a later last day.") % values


def has_ended(last: date) -> str:
    return _("It ended on %(day)s. There is nothing left to change.") % {"day": day_words(last)}


def ends_before(last: date) -> str:
    return _("It ends on %(day)s. Choose a day up to then.") % {"day": day_words(last)}


def begins_later(first: date, last: date) -> str:
    values = {"first": day_words(first), "last": day_words(last)}
    text = _(
        "It begins on %(first)s and sessions have held it, so it can't end before, on %(last)s. "
        "Choose that day or a later one."
    )
    return text % values


def loan_ends_sooner(ends: date, last: date) -> str:
    values = {"ends": day_words(ends), "last": day_words(last)}
    return _("The loan ends on %(ends)s, before %(last)s. To lend for longer, lend again from the day after.") % values


def lent_already(loan: LicenceLoan) -> str:
    assert loan.valid_to is not None
    text = ngettext(
        "%(lender)s already lends %(seats)d licence to %(borrower)s from %(first)s to %(last)s. "
        "End that loan sooner, or choose other days.",
        "%(lender)s already lends %(seats)d licences to %(borrower)s from %(first)s to %(last)s. "
        "End that loan sooner, or choose other days.",
        loan.seats,
    )
    return text % {
        "lender": loan.lender.name,
        "borrower": loan.borrower.name,
        "seats": loan.seats,
        "first": day_words(loan.valid_from),
        "last": day_words(loan.valid_to),
    }


def assigned_already(owner: str, named: NamedLicence) -> str:
    values = {"owner": owner, "first": day_words(named.valid_from)}
    if named.valid_to is None:
        return _("%(owner)s has a licence of this pool from %(first)s until further notice already.") % values
    values["last"] = day_words(named.valid_to)
    return _("%(owner)s has a licence of this pool from %(first)s to %(last)s already. Choose other days.") % values


def still_booked(pool: str, count: int, last: date) -> str:
    text = ngettext(
        "%(pool)s can't be deleted: %(count)d meeting is booked with its licences, until %(day)s. "
        "Move or cancel it first, or let the grants end instead.",
        "%(pool)s can't be deleted: %(count)d meetings are booked with its licences, the last one until %(day)s. "
        "Move or cancel them first, or let the grants end instead.",
        count,
    )
    return text % {"pool": pool, "count": count, "day": day_words(last)}


def was_used(pool: str, last: date) -> str:
    values = {"pool": pool, "day": day_words(last)}
    return (
        _(
            "%(pool)s can't be deleted: sessions used its licences until %(day)s, and what was stays. "
            "Let the grants end instead."
        )
        % values
    )
