"""Addresses of the conferences; those that servers call are as Jitsi has them.

None of those that servers call ends with a slash: they follow no redirect.
"""

from django.urls import include, path

urlpatterns = [
    path("", include("integrations.jitsi.urls.keys")),
    path("", include("integrations.jitsi.urls.reservations")),
    path("", include("integrations.jitsi.urls.events")),
    path("", include("integrations.jitsi.urls.dial_in")),
    path("", include("integrations.jitsi.urls.recordings")),
    path("", include("integrations.jitsi.urls.arrival")),
    path("", include("integrations.jitsi.urls.live")),
    path("zarzadzanie/konferencje/", include("integrations.jitsi.urls.desk")),
]
