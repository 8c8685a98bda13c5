"""What is wrong with incoming mail as a whole: it can't be fetched, or nobody handles it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache

from integrations.mailbox.models import InboundMail

#: Shared by all processes: since when fetching fails, as ISO 8601 with offset, and the words of the latest failure.
_KEY = "mailbox.fetch_fails"
#: A server that is restarted is no trouble.
LONG = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Troubles:
    """`fetch_fails_since` None: it does not fail. `waits_since`: when the oldest mail came that nobody has handled."""

    fetch_fails_since: datetime | None
    words: str
    waits_since: datetime | None

    def names(self, now: datetime) -> tuple[str, ...]:
        """Return what has lasted for long, by name."""
        lasting = {"mail_fetch": self.fetch_fails_since, "mail_inbox": self.waits_since}
        return tuple(name for name, since in lasting.items() if since is not None and now - since >= LONG)


def note_failure(words: str, now: datetime) -> None:
    known = cache.get(_KEY)
    cache.set(_KEY, {"since": known["since"] if known else now.isoformat(), "words": words}, timeout=None)


def note_success() -> None:
    if cache.get(_KEY) is not None:
        cache.delete(_KEY)


def find_troubles() -> Troubles:
    """Look at the last try to fetch and at what waits: two quick queries."""
    known = cache.get(_KEY)
    waiting = InboundMail.objects.filter(state__in=InboundMail.OPEN).order_by("pk")
    return Troubles(
        datetime.fromisoformat(known["since"]) if known else None,
        known["words"] if known else "",
        waiting.values_list("received_at", flat=True).first(),
    )
