"""What tests of webhooks ask: a webhook with few words, and a receiver that checks signatures by itself.

The check is written from the text of Standard Webhooks 1.0.0 and uses nothing of ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from integrations.webhooks.models import Webhook
from integrations.webhooks.secrets import secret_of
from tests.bookings.requests import NOW

EVERY = tuple(event.value for event in Webhook.Event)


def make_webhook(url: str = "https://chat.urzad.example/hooks/abc", **fields: Any) -> Webhook:
    defaults: dict[str, Any] = {"name": f"Panele {Webhook.objects.count() + 1}", "events": list(EVERY)}
    return Webhook.objects.create(url=url, created_at=NOW, **{**defaults, **fields})


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """Say whether a signature is by this secret, and the time within five minutes of `now`, Unix seconds."""
    named = {name.lower(): value for name, value in headers.items()}
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    call_id, timestamp = named["webhook-id"], named["webhook-timestamp"]
    wanted = base64.b64encode(hmac.digest(key, f"{call_id}.{timestamp}.".encode() + body, hashlib.sha256)).decode()
    given = [part.partition(",")[2] for part in named["webhook-signature"].split(" ") if part.startswith("v1,")]
    return any(hmac.compare_digest(wanted, one) for one in given) and abs(now - int(timestamp)) <= 300


def secret(webhook: Webhook) -> str:
    return secret_of(webhook)
