"""Every table of the integrations."""

from integrations.feeds.models import CalendarFeed
from integrations.guests.models import LinkUse
from integrations.jitsi.models import (
    Conference,
    ConferenceServer,
    ConferenceWarning,
    DialInNumber,
    DialInPin,
    DialInTry,
    Presence,
    Recorder,
    Recording,
    ServerAssignment,
    ServerHealth,
    SigningKey,
)
from integrations.mailbox.models import InboundMail
from integrations.webhooks.models import Webhook

__all__ = [
    "CalendarFeed",
    "Conference",
    "ConferenceServer",
    "ConferenceWarning",
    "DialInNumber",
    "DialInPin",
    "DialInTry",
    "InboundMail",
    "LinkUse",
    "Presence",
    "Recorder",
    "Recording",
    "ServerAssignment",
    "ServerHealth",
    "SigningKey",
    "Webhook",
]
