"""Where people are sent who open a conference without a token."""

from __future__ import annotations

from django.urls import URLPattern, path

from integrations.jitsi.views import arrival

urlpatterns: list[URLPattern] = [path("jitsi-auth/<path:room>", arrival.arrive, name="jitsi_arrival")]
