from __future__ import annotations

import pytest

from integrations.guests import pacing
from integrations.pace import Pace


@pytest.fixture(autouse=True)
def _own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each test count for itself what a process counts for all."""
    for name in ("PACE_OF_WRONG", "PACE_OF_ONE"):
        pace: Pace = getattr(pacing, name)
        monkeypatch.setattr(pacing, name, Pace(most=pace.most, per=pace.per))
