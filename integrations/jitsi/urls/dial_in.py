"""Joining by telephone. What Jitsi and switchboards call has no slash at the end: they follow no redirect."""

from __future__ import annotations

from django.urls import path

from integrations.jitsi.views import dial_in, dial_in_renewal

urlpatterns = [
    path("jitsi/dial-in/numbers", dial_in.numbers, name="dial_in_numbers"),
    path("jitsi/dial-in/conference", dial_in.conference, name="dial_in_conference"),
    path("sesje/<slug:number>/pin/", dial_in_renewal.renew_pin, name="dial_in_renew"),
]
