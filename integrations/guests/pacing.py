"""Keeps programs from trying addresses, or from taking the server's time by one, without shutting out anybody else.

Whoever has a genuine address is let through, however many wrong ones their network has tried: a whole office may stand
behind one address (docs/decisions/0029).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from bookings.models import Attendee
from integrations.guest_page import language, page
from integrations.guests.clients import network_of
from integrations.pace import Pace

_PER = timedelta(minutes=10)
#: Addresses that open nothing, of one network, in one process: old links in the mails of a whole office.
PACE_OF_WRONG = Pace(most=300, per=_PER)
#: One person's address, from one network, in one process: open pages ask whether they are still true.
PACE_OF_ONE = Pace(most=1_200, per=_PER)
_TOO_OFTEN = 429


def turned_away(request: HttpRequest, attendee: Attendee | None, *, now: datetime) -> HttpResponse | None:
    """Count the request; return the page for who asks far too often, None where it may go on.

    `attendee`: whose address it is, None for one that opens nothing.
    """
    network = network_of(request)
    if attendee is None:
        seconds = PACE_OF_WRONG.seconds_to_wait(network, now=now)
    else:
        # By network: what a program elsewhere does with the link keeps its owner from nothing.
        seconds = PACE_OF_ONE.seconds_to_wait((attendee.pk, network), now=now)
    return _page(request, attendee, seconds) if seconds else None


def _page(request: HttpRequest, attendee: Attendee | None, seconds: int) -> HttpResponse:
    organizer = attendee.booking.organizer if attendee is not None else None
    context = {"minutes": ceil(seconds / 60), "organizer": organizer}
    wanted = language(request, attendee.language if attendee is not None else translation.get_language() or "")
    response = page(request, "join/too_often.html", context, language=wanted, status=_TOO_OFTEN)
    response.headers["Retry-After"] = str(seconds)
    return response
