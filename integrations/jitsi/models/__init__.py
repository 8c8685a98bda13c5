"""Conference servers, their keys, and what goes on in their conferences."""

from integrations.jitsi.models.conferences import (
    Conference,
    ConferenceWarning,
    Presence,
    ServerAssignment,
    new_conference_key,
)
from integrations.jitsi.models.dial_in import DialInNumber, DialInPin, DialInTry
from integrations.jitsi.models.keys import SigningKey
from integrations.jitsi.models.recordings import Recorder, Recording
from integrations.jitsi.models.servers import ConferenceServer, ServerHealth

__all__ = [
    "Conference",
    "ConferenceServer",
    "ConferenceWarning",
    "DialInNumber",
    "DialInPin",
    "DialInTry",
    "Presence",
    "Recorder",
    "Recording",
    "ServerAssignment",
    "ServerHealth",
    "SigningKey",
    "new_conference_key",
]
