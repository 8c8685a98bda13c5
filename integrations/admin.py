"""Administration of conference servers and of the numbers to call; recordings to look at."""

from __future__ import annotations

from integrations import (
    admin_dial_in,  # noqa: F401  it registers pages of its own
    admin_recordings,  # noqa: F401  likewise
    admin_servers,  # noqa: F401  likewise
)
