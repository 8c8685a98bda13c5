"""What sites and dated seats say about themselves."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from rooms.models import LicenceGrant, Site


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"street": "ul. Koszykowa 16", "postcode": "00-564", "city": "Warszawa"}, "ul. Koszykowa 16, 00-564 Warszawa"),
        ({"city": "Warszawa"}, "Warszawa"),
        ({"street": "ul. Koszykowa 16"}, "ul. Koszykowa 16"),
        ({}, ""),
    ],
)
def test_address_has_only_the_parts_that_are_known(fields: dict[str, str], address: str) -> None:
    assert Site(**fields).address == address


def test_label_is_short_where_there_is_a_short_name() -> None:
    assert Site(name="Koszykowa 16", short_name="Koszykowa").label == "Koszykowa"
    assert Site(name="Koszykowa 16").label == "Koszykowa 16"


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (date(2026, 1, 1), date(2025, 12, 31), "valid_to"),
        (date(1989, 12, 31), None, "valid_from"),
        (date(2026, 1, 1), date(2101, 1, 1), "valid_to"),
        (date.min, date.max, "valid_from"),
    ],
)
def test_days_out_of_order_or_reason_are_refused(first: date, last: date | None, field: str) -> None:
    with pytest.raises(ValidationError) as error:
        LicenceGrant(seats=1, valid_from=first, valid_to=last).clean()
    assert list(error.value.message_dict) == [field]


@pytest.mark.parametrize("last", [None, date(2026, 1, 1), date(2100, 12, 31)])
def test_one_day_and_open_end_are_fine(last: date | None) -> None:
    LicenceGrant(seats=1, valid_from=date(2026, 1, 1), valid_to=last).clean()
