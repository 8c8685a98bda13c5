"""Keeps addresses of calendars out of the log: who can read it could read on for years."""

from __future__ import annotations

import re

from integrations.jitsi.logs import HideJoinTokens


class HideFeedTokens(HideJoinTokens):
    """Write `/k/…` for every address of a calendar, wherever it stands in a message."""

    secret = re.compile(r"(/k/)[^\s/?#\"']+")
