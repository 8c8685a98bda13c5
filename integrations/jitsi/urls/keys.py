"""Public keys, for servers to verify our tokens with: a store for each purpose."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from integrations.jitsi.keys import Purpose
from integrations.jitsi.views import keys

# What Prosody asks for: the SHA-256 of the key's name in lower case.
_PEM = r"(?P<digest>[0-9a-f]{64})\.pem\Z"

urlpatterns: list[URLPattern] = [
    re_path(rf"^jitsi/keys/{_PEM}", keys.pem, {"purpose": Purpose.LOGIN}, name="jitsi_key"),
    path("jitsi/keys/jwks.json", keys.jwks, {"purpose": Purpose.LOGIN}, name="jitsi_jwks"),
    re_path(rf"^jitsi/control-keys/{_PEM}", keys.pem, {"purpose": Purpose.CONTROL}, name="jitsi_control_key"),
    path("jitsi/control-keys/jwks.json", keys.jwks, {"purpose": Purpose.CONTROL}, name="jitsi_control_jwks"),
]
