"""A link that was mailed before leads to wherever the meeting takes place by now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings.models import Occurrence
from integrations.jitsi import assignments
from integrations.jitsi.links import token_for
from integrations.jitsi.models import ConferenceServer, ServerAssignment, ServerHealth
from tests.integrations.jitsi.sessions import Session

pytestmark = pytest.mark.django_db


def test_the_old_link_leads_to_the_new_server(session: Session) -> None:
    now = timezone.now()
    starts_at = now + timedelta(minutes=5)
    Occurrence.objects.filter(pk=session.occurrence.pk).update(
        starts_at=starts_at, ends_at=starts_at + timedelta(hours=1)
    )
    link = reverse("join", args=[token_for(session.guest)])
    assert assignments.assign_ahead(now) == 1
    assert _leads_to(link, session) == "https://meet.urzad.example"
    spare = ConferenceServer.objects.create(
        name="zapas", url="https://zapas.urzad.example", xmpp_domain="zapas.urzad.example"
    )
    broken = ConferenceServer.objects.exclude(pk=spare.pk).get()
    ServerHealth.objects.create(server=broken, state=ServerHealth.State.DOWN, since=now, failures=3)

    assignments.plan_ahead(now)

    assert ServerAssignment.objects.get().moved_from == broken
    assert _leads_to(link, session) == "https://zapas.urzad.example"
    ServerHealth.objects.update(state=ServerHealth.State.UP, failures=0)
    assignments.plan_ahead(now)
    # Whoever has a working server keeps it.
    assert _leads_to(link, session) == "https://zapas.urzad.example"


def test_between_two_looks_of_the_clock_the_door_itself_moves_the_meeting(session: Session) -> None:
    now = timezone.now()
    Occurrence.objects.filter(pk=session.occurrence.pk).update(starts_at=now, ends_at=now + timedelta(hours=1))
    link = reverse("join", args=[token_for(session.guest)])
    assert _leads_to(link, session) == "https://meet.urzad.example"
    broken = ConferenceServer.objects.get()
    ConferenceServer.objects.create(name="zapas", url="https://zapas.urzad.example", xmpp_domain="zapas.urzad.example")
    ServerHealth.objects.create(server=broken, state=ServerHealth.State.DOWN, since=now, failures=3)

    assert _leads_to(link, session) == "https://zapas.urzad.example"


def _leads_to(link: str, session: Session) -> str:
    """Return the server to which the link sends, with the conference's own name behind it."""
    response = Client().get(link)
    assert response.status_code == 302
    server, _slash, rest = response.headers["Location"].partition(f"/{session.booking.conference_name}")
    assert rest
    return server
