"""The file with which an invited person puts the session into their calendar: what their invitation holds."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from integrations.guests.visits import Visit, guest_view
from notifications.compose import compose_calendar


@guest_view()
@require_safe
def guest_calendar(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Return the calendar part that a mail sent now would have: the same UID, so that later mails change the entry."""
    content = compose_calendar(visit.attendee, now=visit.now)
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8; method=REQUEST")
    response.headers["Content-Disposition"] = f'attachment; filename="{visit.attendee.booking.number}.ics"'
    return response
