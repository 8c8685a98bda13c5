"""Signatures as Standard Webhooks 1.0.0 has them, and secrets that are stored nowhere and change without a gap."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from integrations.webhooks import services
from integrations.webhooks.secrets import keys_of, secret_of
from integrations.webhooks.signing import headers, sign
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.webhooks.receivers import make_webhook, verify

#: Of the reference libraries (standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts).
_KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
_BODY = b'{"test": 2432232314}'
_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_the_vector_of_the_reference_libraries() -> None:
    signature = sign(_KEY, call_id=_ID, timestamp=1614265330, body=_BODY)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_headers_have_a_signature_for_every_key() -> None:
    found = headers([_KEY, b"x" * 32], call_id=_ID, at=NOW, body=_BODY)
    assert list(found) == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    assert found["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert [part[:3] for part in found["webhook-signature"].split(" ")] == ["v1,", "v1,"]
    for key in (_KEY, b"x" * 32):
        assert verify("whsec_" + base64.b64encode(key).decode(), found, _BODY, now=NOW.timestamp())
    assert not verify("whsec_" + base64.b64encode(b"y" * 32).decode(), found, _BODY, now=NOW.timestamp())
    assert not verify("whsec_" + base64.b64encode(_KEY).decode(), found, _BODY + b" ", now=NOW.timestamp())


@pytest.mark.django_db
class TestSecrets:
    def test_is_as_receivers_know_it_and_each_webhook_has_its_own(self) -> None:
        first, second = make_webhook(), make_webhook()
        assert secret_of(first).startswith("whsec_")
        assert len(base64.b64decode(secret_of(first).removeprefix("whsec_"))) == 32
        assert secret_of(first) == secret_of(first) != secret_of(second)

    def test_a_new_one_and_the_one_before_sign_for_a_day(self, office: Office) -> None:
        webhook = make_webhook()
        old = secret_of(webhook)
        assert services.rotate(webhook, seen=1, by=office.it_admin, now=NOW)
        # Pressed twice it is one.
        assert not services.rotate(webhook, seen=1, by=office.it_admin, now=NOW)
        webhook.refresh_from_db()
        new = secret_of(webhook)

        def signed(hours: float) -> list[bool]:
            at = NOW + timedelta(hours=hours)
            found = headers(keys_of(webhook, now=at), call_id=_ID, at=at, body=_BODY)
            return [verify(item, found, _BODY, now=at.timestamp()) for item in (new, old)]

        assert new != old
        assert [signed(0), signed(23.9), signed(24)] == [[True, True], [True, True], [True, False]]

    def test_after_a_second_one_the_first_signs_no_more(self, office: Office) -> None:
        webhook = make_webhook()
        first = secret_of(webhook)
        for seen in (1, 2):
            services.rotate(webhook, seen=seen, by=office.it_admin, now=NOW)
        webhook.refresh_from_db()
        found = headers(keys_of(webhook, now=NOW), call_id=_ID, at=NOW, body=_BODY)
        assert not verify(first, found, _BODY, now=NOW.timestamp())

    def test_a_new_secret_key_of_the_product_breaks_no_receiver(self, settings: Any) -> None:
        webhook = make_webhook()
        before = secret_of(webhook)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-" * 8, [settings.SECRET_KEY]
        found = headers(keys_of(webhook, now=NOW), call_id=_ID, at=NOW, body=_BODY)
        assert secret_of(webhook) != before
        assert [verify(item, found, _BODY, now=NOW.timestamp()) for item in (before, secret_of(webhook))] == [True] * 2
