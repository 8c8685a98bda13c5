"""Words that several parts of the licence desk use: numbers, days, places of an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from bookings.wording import clock, short_date
from reports.licence_lanes import Payer, Tier
from rooms.models import Site

#: Colours of sites, which then begin anew.
_COLOURS = 6


@dataclass(frozen=True, slots=True)
class Places:
    """The office's sites by key, each with the class of its colour."""

    sites: dict[int, Site]
    colours: dict[int, str]

    @classmethod
    def of(cls, sites: Sequence[Site]) -> Places:
        return cls(
            {site.pk: site for site in sites},
            {site.pk: f"site-{number % _COLOURS + 1}" for number, site in enumerate(sites)},
        )

    def label(self, site_id: int | None) -> str:
        if site_id is None:
            return _("no site")
        site = self.sites.get(site_id)
        return site.label if site else ""

    def colour(self, site_id: int | None) -> str:
        return self.colours.get(site_id, "") if site_id is not None else ""


def one_decimal(value: float) -> str:
    """„7,1”"""
    # Django's own would cut off what it should round.
    return number_format(round(value, 1), 1)


def signed(value: float) -> str:
    """„+0,2”, „−0,3”, „0,0”."""
    text = one_decimal(abs(value))
    if round(value, 1) == 0:
        return text
    return f"+{text}" if value > 0 else f"−{text}"


def tiny_date(day: date) -> str:
    """„śr. 4.11”, “Wed 4.11”: weekday, day and month where there is little room and the year is clear."""
    return f"{short_date(day).split()[0]} {day.day}.{day.month:02d}"


def tiny_moment(at: datetime, zone: ZoneInfo) -> str:
    """„śr. 4.11, 13:00”"""
    local = at.astimezone(zone)
    return f"{tiny_date(local.date())}, {clock(local)}"


def month_name(month: date) -> str:
    """„luty 2027”, “February 2027”."""
    text = date_format(month, "F Y")
    # Names of months are written in lower case in Polish; Django has them capitalised.
    return text.lower() if get_language() == "pl" else text


def month_label(month: date) -> str:
    """„lut”, “Feb”."""
    return date_format(month, "b" if get_language() == "pl" else "M")


def licences(count: int) -> str:
    """„12 licencji”"""
    return ngettext("%(count)d licence", "%(count)d licences", count) % {"count": count}


def payer_words(payer: Payer, places: Places) -> str:
    """Say whose a seat is: „z przydziału: Koszykowa 16”, „z rezerwy”."""
    match payer.tier:
        case Tier.SHARE:
            return _("from the share of %(site)s") % {"site": places.label(payer.site_id)}
        case Tier.LOAN:
            return borrowed_words(places.label(payer.lender_id))
        case Tier.RESERVE:
            return _("from the reserve")
        case Tier.NAMED:
            return _("named licence")
        case Tier.EMERGENCY:
            return _("emergency licence")


def borrowed_words(site: str) -> str:
    """„pożyczona od: Taborowa 33”"""
    return _("borrowed from %(site)s") % {"site": site}
