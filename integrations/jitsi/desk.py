"""What IT admins do on the desk: end a conference, whoever's it is."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from integrations.jitsi import attendance, moderating
from integrations.jitsi.control import Control
from integrations.jitsi.models import Conference


def end(conference: Conference, *, by: User, now: datetime) -> None:
    """End the conference for everybody; that of a session is noted in its history.

    Raises: services.NotAllowed; Unreachable, NotControlled of the server.
    """
    if conference.occurrence is not None:
        moderating.end(conference, by=by, now=now)
        return
    Control(conference.server).end(conference.name, now=now)
    attendance.close(conference, now, by=Conference.Closed.ENDED, now=now)
