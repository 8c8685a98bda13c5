"""Records what became of a try of a call, and switches webhooks off that take none."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from enum import Enum, auto

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from integrations.webhooks import services
from integrations.webhooks.models import Webhook
from integrations.webhooks.posting import Outcome, Verdict
from notifications import claims
from notifications.claims import Setback
from notifications.models import Message

logger = logging.getLogger(__name__)


class Settled(Enum):
    TAKEN = auto()
    PUT_OFF = auto()
    FAILED = auto()


def settle(message: Message, webhook: Webhook, outcome: Outcome, now: datetime) -> Settled:
    """Record the outcome of a try that was begun. What is refused for good, or for two days, is given up."""
    _keep_answer(message, outcome)
    if outcome.verdict is Verdict.TAKEN:
        if not claims.finish(message, now):
            logger.warning("Call %s took longer than its lease and may be made twice.", message.pk)
        return Settled.TAKEN
    setback = Setback(
        outcome.words,
        for_good=outcome.verdict in {Verdict.NEVER, Verdict.GONE},
        may_have_arrived=outcome.is_doubtful,
        by_recipient=outcome.is_loaded,
        wait=outcome.retry_after or timedelta(),
    )
    failed = claims.put_off(message, setback, now)
    logger.info("Call %s %s: %s", message.pk, "failed" if failed else "is put off", outcome.words)
    with translation.override(settings.LANGUAGE_CODE):
        if outcome.verdict is Verdict.GONE:
            services.stop(webhook, why=_("It answered 410: it wants no calls any more."), now=now)
        elif failed and outcome.verdict is not Verdict.NEVER and _takes_none(message):
            words = _("For two days it took no call. The last answer: %(words)s") % {"words": outcome.words}
            services.stop(webhook, why=words, now=now)
    return Settled.FAILED if failed else Settled.PUT_OFF


def _takes_none(message: Message) -> bool:
    """Say whether the webhook took no other call in all the time in which this one was tried."""
    others = Message.objects.filter(webhook=message.webhook_id, state=Message.State.SENT)
    return not others.filter(sent_at__gt=message.created_at).exists()


def _keep_answer(message: Message, outcome: Outcome) -> None:
    """Keep status and time of the last try for its page, beside what the row is about."""
    answer = {"status": outcome.status, "ms": round(outcome.took.total_seconds() * 1000)}
    message.data = {**(message.data or {}), "answer": answer}
    Message.objects.filter(pk=message.pk, attempts=message.attempts).update(data=message.data)
