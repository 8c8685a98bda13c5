"""Rooms, licences and rules hold no data of people without an account."""

from __future__ import annotations

from accounts.personal_data import holds_nobody

_FIELDS = {
    "Of places and things of the office.": (
        "LicencePool.name LicencePool.counts LicencePool.time_zone LicencePool.emergency_for Site.code Site.name "
        "Site.short_name Site.street Site.postcode Site.city Site.phone Site.time_zone Equipment.code Equipment.name "
        "Equipment.name_en Equipment.icon Room.code Room.name Room.mailbox MovableEquipment.name "
        "MovableEquipment.name_en"
    ),
    "What the office has decided about them, and for whom of its staff.": (
        "SiteRole.role Closure.kind Closure.title Closure.title_en Closure.local_start Closure.local_end Closure.rrule "
        "SiteTerms.when_short BookingRule.kind BookingRule.role Exemption.kind Exemption.reason"
    ),
}


def register() -> None:
    for why, names in _FIELDS.items():
        holds_nobody(why, *(f"rooms.{name}" for name in names.split()))
