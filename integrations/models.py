"""Every table of the integrations."""

from integrations.feeds.models import CalendarFeed
from integrations.jitsi.models import (
    Conference,
    ConferenceServer,
    ConferenceWarning,
    DialInNumber,
    DialInPin,
    Presence,
    Recorder,
    Recording,
    ServerAssignment,
    ServerHealth,
    SigningKey,
)
from integrations.mailbox.models import InboundMail

__all__ = [
    "CalendarFeed",
    "Conference",
    "ConferenceServer",
    "ConferenceWarning",
    "DialInNumber",
    "DialInPin",
    "InboundMail",
    "Presence",
    "Recorder",
    "Recording",
    "ServerAssignment",
    "ServerHealth",
    "SigningKey",
]
