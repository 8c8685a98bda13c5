"""Which time zones people and sites may have: the IANA names that the standard library can load."""

import zoneinfo
from functools import cache
from importlib import resources

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


@cache
def known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(name: str) -> None:
    """Raises: ValidationError unless `name` is an IANA zone such as Europe/Warsaw."""
    if name not in known_zones():
        raise ValidationError(
            _("%(zone)s is not a known time zone. Write a name such as Europe/Warsaw."), params={"zone": name}
        )


def zone_of_country(country: str) -> str | None:
    """Return the zone of a country that has exactly one (ISO 3166, two letters), or None where one has to choose."""
    zones = _zones_by_country().get(country.upper(), [])
    return zones[0] if len(zones) == 1 else None


@cache
def _zones_by_country() -> dict[str, list[str]]:
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _coordinates, zone, *_comment = line.split("\t")
            found.setdefault(country, []).append(zone)
    return found
