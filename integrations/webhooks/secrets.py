"""The secret by which a receiver knows that a call is ours. Stored nowhere: it is derived from the webhook's row.

SECRET_KEY is the only secret there is. Counting up `secret_version` makes a new one; for a day the one before signs as
well, so that the receiver can change over without losing a call. With SECRET_KEY_FALLBACKS those of an old SECRET_KEY
go on signing.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.crypto import salted_hmac

from integrations.webhooks.models import Webhook

#: For how long the secret before goes on signing.
OLD_SIGNS_FOR = timedelta(hours=24)
_SALT = "integrations.webhooks.secrets"


def secret_of(webhook: Webhook) -> str:
    """Return the secret as receivers are given it: `whsec_` and base64 (Standard Webhooks). For IT admins only."""
    return "whsec_" + base64.b64encode(_key(webhook.pk, webhook.secret_version, settings.SECRET_KEY)).decode()


def keys_of(webhook: Webhook, *, now: datetime) -> list[bytes]:
    """Return all keys that sign a call at this moment, the newest first; 32 bytes each."""
    versions = [webhook.secret_version]
    if webhook.old_secret_until is not None and now < webhook.old_secret_until:
        versions.append(webhook.secret_version - 1)
    masters = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [_key(webhook.pk, version, master) for master in masters for version in versions]


def _key(pk: int, version: int, master: str | bytes) -> bytes:
    return salted_hmac(_SALT, f"{pk}:{version}", secret=master, algorithm="sha256").digest()
