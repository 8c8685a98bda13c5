"""Which conference servers there are; the one that the settings describe follows them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection, transaction

from bookings.models import Occurrence
from integrations.jitsi.models import ConferenceServer, ServerAssignment

#: What the settings say of their server.
DESCRIBED = (
    "url",
    "xmpp_domain",
    "muc_domain",
    "algorithm",
    "control_url",
    "jicofo_url",
    "jvb_urls",
    "jibri_urls",
    "stun_address",
)
# Beside the numbers of other advisory locks.
_FOLLOWING = 0x4A697474


def all_servers() -> list[ConferenceServer]:
    """Return every server in order, the one of the settings as they are now. One query, unless it has to follow."""
    found = list(ConferenceServer.objects.order_by("position", "pk"))
    ours = next((server for server in found if server.from_environment), None)
    if settings.JITSI_URL and (ours is None or _differs(ours)):
        follow_settings()
        found = list(ConferenceServer.objects.order_by("position", "pk"))
    return found


def likely_server(occurrence: Occurrence) -> ConferenceServer | None:
    """Return the server that the meeting has, or would get if there were nothing else to consider; chooses none.

    For tests before the day. Where people really go, `assignments.server_of` says.
    """
    assigned = ServerAssignment.objects.filter(pk=occurrence.pk).select_related("server").first()
    if assigned is not None and assigned.server.is_enabled:
        return assigned.server
    taking = [server for server in all_servers() if server.is_enabled]
    sites = dict.fromkeys((server.pk for server in taking), frozenset[int]())
    links = ConferenceServer.sites.through.objects.filter(conferenceserver__in=sites)
    for server_id, site_id in links.values_list("conferenceserver_id", "site_id"):
        sites[server_id] |= {site_id}
    ours = [server for server in taking if not sites[server.pk] or occurrence.booking.host_site_id in sites[server.pk]]
    return next(iter(ours or taking), None)


def is_current(server: ConferenceServer) -> bool:
    """Say whether the row is as the settings have it, where they describe it."""
    return not (server.from_environment and settings.JITSI_URL and _differs(server))


def follow_settings() -> ConferenceServer | None:
    """Write the server that the settings describe into its row; None where they describe none.

    A server that was added by hand under the same address becomes it.
    """
    if not settings.JITSI_URL:
        return None
    with transaction.atomic():
        # Whoever asks first makes it; there may be no row yet to lock.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FOLLOWING])
        rows = ConferenceServer.objects.select_for_update(no_key=True)
        server = rows.filter(from_environment=True).first() or rows.filter(url=settings.JITSI_URL).first()
        if server is None:
            server = ConferenceServer(name=_free_name())
        server.from_environment = True
        for name, value in _described().items():
            setattr(server, name, value)
        server.save()
    return server


def _described() -> dict[str, Any]:
    return {
        "url": settings.JITSI_URL,
        "xmpp_domain": settings.JITSI_SUBJECT,
        "muc_domain": settings.JITSI_MUC_DOMAIN,
        "algorithm": settings.JITSI_ALGORITHM,
        "control_url": settings.JITSI_CONTROL_URL,
        "jicofo_url": settings.JITSI_JICOFO_URL,
        "jvb_urls": "\n".join(settings.JITSI_JVB_URLS),
        "jibri_urls": "\n".join(settings.JITSI_JIBRI_URLS),
        "stun_address": settings.JITSI_STUN_ADDRESS,
    }


def _differs(server: ConferenceServer) -> bool:
    return any(getattr(server, name) != value for name, value in _described().items())


def _free_name() -> str:
    name = settings.JITSI_SUBJECT or settings.JITSI_URL
    return name if not ConferenceServer.objects.filter(name=name).exists() else f"{name} (JITSI_URL)"
