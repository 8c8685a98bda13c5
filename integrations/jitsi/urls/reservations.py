"""Where a server asks whether a conference may begin. Without slashes at the end: it follows no redirect (P15)."""

from __future__ import annotations

from django.urls import path

from integrations.jitsi.views import reservations

urlpatterns = [
    path("jitsi/conference", reservations.ask, name="jitsi_reservations"),
    # Whatever stands there: a key that is not ours is unknown, not a page that is missing.
    path("jitsi/conference/<path:conference_key>", reservations.one, name="jitsi_reservation"),
]
