"""The one judge: says whether a request can be booked, and if not, every reason why, each with its ways out.

The live preview, the save and every other way in ask here. Facts are loaded once, in a number of queries that depends
neither on how much is booked nor on the number of dates; the rest is interval arithmetic.
"""

from __future__ import annotations

from bookings.availability.ahead import Asked
from bookings.availability.ahead import read as read_ahead
from bookings.availability.facts import Locked
from bookings.availability.fixes import find_refusals, offer_fixes
from bookings.availability.judge import Assessment, assess, limits
from bookings.availability.planned import PlannedMeeting, SkippedDate, Take
from bookings.availability.policy import UsedExemption
from bookings.availability.wishes import find_lacks

__all__ = [
    "Asked",
    "Assessment",
    "Locked",
    "PlannedMeeting",
    "SkippedDate",
    "Take",
    "UsedExemption",
    "assess",
    "find_lacks",
    "find_refusals",
    "limits",
    "offer_fixes",
    "read_ahead",
]
