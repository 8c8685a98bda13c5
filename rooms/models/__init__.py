"""Sites, rooms, equipment, opening hours, closures, who may do what where, and the licences."""

from rooms.models.closures import Closure
from rooms.models.licences import (
    FIRST_YEAR,
    LAST_YEAR,
    DatedSeats,
    EmergencySeats,
    LicenceGrant,
    LicenceLoan,
    NamedLicence,
    SiteShare,
    SiteTerms,
)
from rooms.models.places import (
    MAX_PREPARATION,
    Equipment,
    MovableEquipment,
    OpeningHours,
    Room,
    Site,
    SiteRole,
    Weekday,
)
from rooms.models.pools import LicencePool
from rooms.models.rules import BookingRule, Deputy, Exemption

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "MAX_PREPARATION",
    "BookingRule",
    "Closure",
    "DatedSeats",
    "Deputy",
    "EmergencySeats",
    "Equipment",
    "Exemption",
    "LicenceGrant",
    "LicenceLoan",
    "LicencePool",
    "MovableEquipment",
    "NamedLicence",
    "OpeningHours",
    "Room",
    "Site",
    "SiteRole",
    "SiteShare",
    "SiteTerms",
    "Weekday",
]
