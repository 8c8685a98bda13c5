"""Joining by telephone. Without slashes at the end: Jitsi and switchboards follow no redirect."""

from __future__ import annotations

from django.urls import path

from integrations.jitsi.views import dial_in

urlpatterns = [
    path("jitsi/dial-in/numbers", dial_in.numbers, name="dial_in_numbers"),
    path("jitsi/dial-in/conference", dial_in.conference, name="dial_in_conference"),
]
