"""Every address of the product."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import TemplateView

from notifications.views import health, metrics

urlpatterns = [
    # What is asked for most: an address is compared with one after the other.
    path("", include("bookings.urls")),
    path("konto/", include("accounts.urls")),
    path(
        "dostepnosc/",
        login_not_required(TemplateView.as_view(template_name="pages/accessibility.html")),
        name="accessibility",
    ),
    path("", include("accounts.urls_privacy")),
    # Before the pages of guests, which take whatever a mail program has made of their addresses.
    path("", include("notifications.urls_guests")),
    path("", include("notifications.urls_data")),
    path("", include("integrations.guests.urls")),
    path("", include("integrations.guests.urls_lost")),
    path("", include("integrations.jitsi.urls")),
    path("", include("integrations.feeds.urls")),
    path("poczta/przychodzaca/", include("integrations.mailbox.urls")),
    path("poczta/", include("notifications.urls")),
    path("", include("notifications.urls_reminders")),
    path("zarzadzanie/webhooki/", include("integrations.webhooks.urls")),
    path("zarzadzanie/stan/", include("notifications.urls_state")),
    path("zarzadzanie/", include("reports.urls")),
    path("", include("reports.urls_sessions")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
]

handler500 = "accounts.views.server_error"
