"""Bookings, what they hold, who waits, and what happened."""

from bookings.models.answers import Answer, MeetingAnswer, Proposal
from bookings.models.booking import (
    THREAD_LETTERS,
    THREADS,
    Absence,
    Attendee,
    Booking,
    Occurrence,
    new_conference_name,
    new_join_key,
)
from bookings.models.events import BookingEvent
from bookings.models.holds import (
    HOLD_LENGTH_CLASS,
    HOLD_LENGTHS,
    LONGEST_HOLD,
    Draft,
    EquipmentHold,
    LicenceHold,
    RoomHold,
    as_interval,
    as_range,
)
from bookings.models.kept import MAX_BODY_LENGTH, MAX_TEMPLATE_NAME_LENGTH, FormTemplate, KeptForm
from bookings.models.licences import ConferenceRun, LicenceRefusal
from bookings.models.materials import LARGEST_FILE, MAX_MATERIALS, MAX_NOTE_LENGTH, Material, MaterialContent
from bookings.models.outside import OutsideMeeting, RoomAnswer
from bookings.models.unplanned import UnplannedConference
from bookings.models.waiting import Approval, WaitlistEntry

__all__ = [
    "HOLD_LENGTHS",
    "HOLD_LENGTH_CLASS",
    "LARGEST_FILE",
    "LONGEST_HOLD",
    "MAX_BODY_LENGTH",
    "MAX_MATERIALS",
    "MAX_NOTE_LENGTH",
    "MAX_TEMPLATE_NAME_LENGTH",
    "THREADS",
    "THREAD_LETTERS",
    "Absence",
    "Answer",
    "Approval",
    "Attendee",
    "Booking",
    "BookingEvent",
    "ConferenceRun",
    "Draft",
    "EquipmentHold",
    "FormTemplate",
    "KeptForm",
    "LicenceHold",
    "LicenceRefusal",
    "Material",
    "MaterialContent",
    "MeetingAnswer",
    "Occurrence",
    "OutsideMeeting",
    "Proposal",
    "RoomAnswer",
    "RoomHold",
    "UnplannedConference",
    "WaitlistEntry",
    "as_interval",
    "as_range",
    "new_conference_name",
    "new_join_key",
]
