"""Signs calls as Standard Webhooks 1.0.0 has it, so that receivers check them with any library of that name."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime


def sign(key: bytes, *, call_id: str, timestamp: int, body: bytes) -> str:
    """Return `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. `timestamp`: Unix seconds of the try.

    `call_id` must not hold a full stop: what is signed would mean several things.
    """
    signed = f"{call_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(keys: Iterable[bytes], *, call_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a try made `at`. Retries have the same id, and a time and signatures of their own."""
    timestamp = int(at.timestamp())
    signatures = [sign(key, call_id=call_id, timestamp=timestamp, body=body) for key in keys]
    return {
        "webhook-id": call_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
