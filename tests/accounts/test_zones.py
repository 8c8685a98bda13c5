"""Time zones that people may have, and those of countries."""

import pytest
from django.core.exceptions import ValidationError

from accounts.zones import validate_time_zone, zone_of_country


@pytest.mark.parametrize("name", ["Europe/Warsaw", "Europe/Helsinki", "UTC", "America/Argentina/Ushuaia"])
def test_iana_zones_are_accepted(name: str) -> None:
    validate_time_zone(name)


@pytest.mark.parametrize(
    "name", ["", "Warsaw", "europe/warsaw", "../../etc/passwd", "/etc/localtime", "Europe", "CET+1"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=r"Europe/Warsaw"):
        validate_time_zone(name)


@pytest.mark.parametrize(
    ("country", "zone"), [("PL", "Europe/Warsaw"), ("fi", "Europe/Helsinki"), ("US", None), ("XX", None), ("", None)]
)
def test_zone_of_a_country_that_has_one(country: str, zone: str | None) -> None:
    assert zone_of_country(country) == zone
