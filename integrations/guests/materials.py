"""Files and notes that the organizer gives to an invited person: on their page, and each file by its own address."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from bookings.downloads import download
from bookings.material_queries import materials_for
from bookings.models import Material
from bookings.wording import day_and_month
from integrations.guest_page import session_page
from integrations.guests.visits import Visit, guest_view

_GONE = 404


@dataclass(frozen=True, slots=True)
class Given:
    """A file or a note as the person sees it. `address`: of a file; empty for a note. `day`: of the one meeting that
    it is for; empty where it is for all of them, or there is one only.
    """

    name: str
    address: str
    size: int
    text: str
    day: str


def given_to(visit: Visit) -> list[Given]:
    """Return what the person of this visit may read: one query. Nothing for whom all is over, their page says so."""
    return [] if visit.is_over else [_given(material, visit) for material in materials_for(visit.attendee)]


@guest_view()
@require_safe
def guest_material(request: HttpRequest, visit: Visit, pk: int) -> HttpResponse:
    """Send a file to the person; one that is not there, or not for them, is one and the same to them.

    Programs that check links in mails may fetch it as often as they like: nothing is used up.
    """
    try:
        return download(request, materials_for(visit.attendee).get(pk=pk))
    except Material.DoesNotExist:
        extra = {"page_address": visit.address()}
        return session_page(
            request, "guests/material_gone.html", visit.attendee, visit.entry, extra=extra, status=_GONE
        )


def _given(material: Material, visit: Visit) -> Given:
    address = visit.address("guest_material", pk=material.pk) if material.is_file else ""
    meeting = material.occurrence
    day = day_and_month(meeting.starts_at.astimezone(visit.zone).date()) if meeting else ""
    return Given(material.name, address, material.size or 0, material.text, day)
