"""Reads what became of the calls of webhooks: for their pages, and for whoever watches over the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery

from integrations.webhooks.models import Webhook
from notifications.models import Message

#: Calls that the page of a webhook shows.
SHOWN = 20
#: A webhook is in trouble when a call has been put off for so long, and none was taken meanwhile.
TROUBLE_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call as the page of its webhook shows it. `status`, `milliseconds`: of the last try; 0, None: no answer."""

    message: Message
    label: str
    status: int
    milliseconds: int | None

    @property
    def next_at(self) -> datetime | None:
        return self.message.due_at if self.message.state == Message.State.RETRYING else None


def calls_of(webhook: Webhook) -> list[CallLine]:
    """Return the newest calls, newest first: one query, without their bodies."""
    rows = Message.objects.filter(webhook=webhook).select_related("booking").defer("raw").order_by("-pk")[:SHOWN]
    return [_line(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Failing:
    """A webhook that IT admins have to look at, since when, and what its receiver said last."""

    webhook: Webhook
    since: datetime
    words: str


def find_failing(now: datetime) -> list[Failing]:
    """Return the webhooks that switched themselves off, or have taken no call for an hour in which some were tried.

    One query. Of what a person has switched off nothing is reported.
    """
    tried = Message.objects.filter(webhook=OuterRef("pk"), state__in=Message.UNFINISHED, attempts__gt=0)
    oldest = tried.filter(created_at__lte=now - TROUBLE_AFTER).order_by("pk")
    taken = Message.objects.filter(webhook=OuterRef("pk"), state=Message.State.SENT, sent_at__gt=now - TROUBLE_AFTER)
    rows = Webhook.objects.annotate(
        waits_since=Subquery(oldest.values("created_at")[:1]), words=Subquery(oldest.values("last_error")[:1])
    )
    fails = Q(stopped_at__isnull=False) | Q(is_active=True, waits_since__isnull=False) & ~Exists(taken)
    return [_failing(row) for row in rows.filter(fails).order_by("name")]


def _failing(row: Any) -> Failing:
    return Failing(row, row.stopped_at or row.waits_since, row.stopped_why or row.words or "")


def _line(message: Message) -> CallLine:
    answer = (message.data or {}).get("answer", {})
    return CallLine(message, str(Webhook.Event(message.topic).label), answer.get("status", 0), answer.get("ms"))
