"""Makes webhooks, changes and ends them, gives them new secrets, and tries whether calls arrive."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from integrations.webhooks import payload, posting, signing
from integrations.webhooks.models import Webhook
from integrations.webhooks.permissions import may_manage
from integrations.webhooks.posting import Outcome
from integrations.webhooks.secrets import OLD_SIGNS_FOR, keys_of, secret_of
from rooms.models import Site

logger = logging.getLogger(__name__)

#: Whoever tries a call waits for it.
TRIAL_SECONDS = 10


class NotAllowed(Exception):
    """Only IT admins manage webhooks."""


class NameTaken(Exception):
    """Another webhook has this name."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a webhook is told, where, and how. `url`: as `addresses.as_called` has it, and without a `find_fault`."""

    name: str
    url: str
    events: tuple[str, ...]
    site: Site | None
    shape: str
    language: str


def create(terms: Terms, *, by: User, now: datetime) -> Webhook:
    """Make a webhook that is called from now on. Raises: NotAllowed; NameTaken."""
    _check(by)
    webhook = Webhook(created_by=by, created_at=now)
    _set(webhook, terms)
    with _named_once(), transaction.atomic():
        webhook.save()
    logger.info("Webhook %s was made by %s", webhook.pk, by.pk)
    return webhook


def change(webhook: Webhook, terms: Terms, *, by: User) -> Webhook:
    """Change what it is told and where. What waits to be told goes to the new address. Raises: as `create`."""
    with _named_once(), transaction.atomic():
        locked = _locked(webhook, by)
        _set(locked, terms)
        locked.save(update_fields=["name", "url", "events", "site", "shape", "language"])
    logger.info("Webhook %s was changed by %s", webhook.pk, by.pk)
    return locked


def rotate(webhook: Webhook, *, seen: int, by: User, now: datetime) -> bool:
    """Give it a new secret. The one before signs as well for 24 hours, one before that no more.

    `seen`: the version of the secret that is to be replaced. False where that has happened already: pressed twice, the
    receiver's own would be gone. Raises: NotAllowed.
    """
    with transaction.atomic():
        locked = _locked(webhook, by)
        if locked.secret_version != seen:
            return False
        locked.secret_version += 1
        locked.old_secret_until = now + OLD_SIGNS_FOR
        locked.save(update_fields=["secret_version", "old_secret_until"])
    logger.info("Webhook %s got a new secret from %s", webhook.pk, by.pk)
    return True


def reveal(webhook: Webhook, *, by: User) -> str:
    """Return the secret to somebody who gives it to the receiver; the log says to whom. Raises: NotAllowed."""
    _check(by)
    logger.info("The secret of webhook %s was shown to %s", webhook.pk, by.pk)
    return secret_of(webhook)


def switch(webhook: Webhook, *, is_active: bool, by: User) -> Webhook:
    """Call it again, or no more. What happens while it is off it never hears of. Raises: NotAllowed."""
    with transaction.atomic():
        locked = _locked(webhook, by)
        locked.is_active, locked.stopped_at, locked.stopped_why = is_active, None, ""
        locked.save(update_fields=["is_active", "stopped_at", "stopped_why"])
    logger.info("Webhook %s was switched %s by %s", webhook.pk, "on" if is_active else "off", by.pk)
    return locked


def delete(webhook: Webhook, *, by: User) -> None:
    """Forget it with all its calls. Raises: NotAllowed."""
    with transaction.atomic():
        _locked(webhook, by).delete()
    logger.info("Webhook %s was deleted by %s", webhook.pk, by.pk)


def stop(webhook: Webhook, *, why: str, now: datetime) -> bool:
    """Switch it off by itself: it wants no calls any more, or takes none. False where somebody has done so before.

    `why`: words for IT admins.
    """
    rows = Webhook.objects.filter(pk=webhook.pk, is_active=True)
    stopped = rows.update(is_active=False, stopped_at=now, stopped_why=why)
    if stopped:
        logger.error("Webhook %s was switched off: %s", webhook.pk, why)
    return bool(stopped)


def attempt(webhook: Webhook, *, by: User, now: datetime) -> Outcome:
    """Make one call that tells of nothing, and return what the receiver said; takes TRIAL_SECONDS at most.

    Also of one that is switched off. Not in a transaction. Raises: NotAllowed.
    """
    _check(by)
    body = payload.of_trial(webhook, now=now)
    call_id = f"trial_{secrets.token_hex(12)}"
    headers = signing.headers(keys_of(webhook, now=now), call_id=call_id, at=now, body=body)
    seconds = min(TRIAL_SECONDS, settings.WEBHOOK_TIMEOUT_SECONDS)
    return posting.post(webhook.url, body, headers, seconds=seconds, now=now)


@contextmanager
def _named_once() -> Iterator[None]:
    """Say of the one constraint that two people at once can run into what it is. Raises: NameTaken."""
    try:
        yield
    except IntegrityError as error:
        if "webhook_name" in str(error):
            raise NameTaken from error
        raise


def _set(webhook: Webhook, terms: Terms) -> None:
    webhook.name, webhook.url, webhook.events = terms.name, terms.url, list(terms.events)
    webhook.site, webhook.shape, webhook.language = terms.site, terms.shape, terms.language


def _locked(webhook: Webhook, by: User) -> Webhook:
    """Raises: NotAllowed; Webhook.DoesNotExist where it was deleted meanwhile."""
    _check(by)
    return Webhook.objects.select_for_update(no_key=True).get(pk=webhook.pk)


def _check(by: User) -> None:
    if not may_manage(by):
        raise NotAllowed
