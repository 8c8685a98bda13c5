"""Numbers to call, as an office has them."""

from __future__ import annotations

from integrations.jitsi.models import DialInNumber
from tests.factories import Office


def make_numbers(office: Office | None = None) -> None:
    """Make the number for mails, one free of charge, one that is not in use, and, given the office, Biała's own."""
    DialInNumber.objects.create(number="+48225550180", formatted="+48 22 555 01 80", is_default=True, position=2)
    DialInNumber.objects.create(
        number="+48800555190",
        formatted="800 555 190",
        label="Bezpłatny",
        label_en="Free of charge",
        is_toll_free=True,
        position=3,
    )
    DialInNumber.objects.create(number="+48225550199", is_active=False, position=1)
    if office:
        DialInNumber.objects.create(number="+48833444111", formatted="+48 83 344 41 11", site=office.biala, position=0)
