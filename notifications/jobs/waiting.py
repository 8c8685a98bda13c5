"""When there will be mail to send, as far as the outbox knows."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min

from notifications.models import Message


def next_mail_at(now: datetime) -> datetime | None:
    """Return when the next mail falls due after `now`; None when none is waiting for its time."""
    waiting = Message.objects.filter(state__in=Message.WAITING, due_at__gt=now).exclude(kind=Message.Kind.WEBHOOK)
    next_at: datetime | None = waiting.aggregate(at=Min("due_at"))["at"]
    return next_at
