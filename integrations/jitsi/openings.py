"""Opens a conference when its server asks, and closes it when the server says that it is gone.

A conference is opened inside the window of its meeting, on the meeting's server, and for as long as the meeting holds
its licences. That nobody has come yet, it says nothing about: whoever has an account there can ask (P1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from bookings import services
from bookings.models import Occurrence
from integrations.jitsi import assignments, attendance
from integrations.jitsi.models import Conference, ConferenceServer, ServerAssignment
from integrations.jitsi.window import Window, grace, meeting_named, tenant_and_room
from rooms.models import Site

#: Servers look once a minute at what is over: for less than that nothing is worth being opened.
SHORTEST = timedelta(seconds=61)
#: After the planned end seats are held in such steps, where we can end the conference when there are none.
STEP = timedelta(minutes=5)
#: Telephones, screens in rooms, interpreters, and connections that are gone but not yet missed.
BESIDE_PEOPLE = 10
_KEY = re.compile(r"[a-z0-9]{1,30}")


class Why(StrEnum):
    """Why a conference can't be opened now."""

    EARLY = "early"
    REQUESTED = "requested"
    CANCELLED = "cancelled"
    OVER = "over"
    #: It could go on after its end, but for whoever comes next.
    NEEDED = "needed"
    ELSEWHERE = "elsewhere"
    #: Under a tenant that is not the server's: it would be another conference of the same name.
    ADDRESS = "address"
    NO_SERVER = "no-server"
    NO_LICENCE = "no-licence"
    UNKNOWN = "unknown"


@dataclass
class NotNow(Exception):
    """It may not be opened. `window`: of the meeting that is meant; `free_at`: when a licence comes free."""

    why: Why
    window: Window | None = None
    free_at: datetime | None = None


@dataclass
class OpenAlready(Exception):
    """Somebody else asked for it before, and it has not been closed."""

    conference: Conference


@dataclass(frozen=True, slots=True)
class _Promise:
    """What the server may be told. `occurrence` None: nobody booked it."""

    occurrence: Occurrence | None
    until: datetime | None = None
    max_occupants: int | None = None


def open_conference(server: ConferenceServer, *, name: str, asked_by: str, now: datetime) -> Conference:
    """Open the conference, or return the one that the same caller opened before and did not hear of.

    `promised_until` of what is returned is more than a minute away. `name`: as the server has it, in lower case.
    Raises: NotNow, OpenAlready.
    """
    promise = _promise(server, name, now=now)
    with transaction.atomic():
        attendance.lock_name(server, name)
        found = Conference.objects.filter(server=server, name=name, closed_at=None).first()
        if found is not None and _is_the_same(found, promise, now=now):
            _renew(found, promise)
        else:
            if found is not None:
                attendance.close(found, now, by=Conference.Closed.REPLACED, now=now)
            return _open(server, name, asked_by, promise, now=now)
    if found.asked_by != asked_by:
        raise OpenAlready(found)
    return found


def open_now(server: ConferenceServer, key: str, *, now: datetime) -> Conference | None:
    """Return the conference that this server was told it may have, None once it is closed or nearly over."""
    found = _with_key(server, key)
    if found is None or found.closed_at is not None or found.promised_until is None:
        return None
    return found if found.promised_until - now >= SHORTEST else None


def close(server: ConferenceServer, key: str, *, now: datetime) -> None:
    """Note that the server has closed the conference. It may be opened again, under another key.

    What is unknown, or closed already, is left as it is (P16). Where nobody came before the planned start, the
    licences are held from there again.
    """
    found = _with_key(server, key)
    if found is None or found.closed_at is not None:
        return
    attendance.close(found, now, by=Conference.Closed.LEFT, now=now)
    meeting = found.occurrence
    if meeting is not None and found.first_joined_at is None and now < meeting.starts_at:
        services.give_back_early_seats(meeting, now=now)


def _with_key(server: ConferenceServer, key: str) -> Conference | None:
    if not _KEY.fullmatch(key):
        return None
    related = Conference.objects.select_related("server", "occurrence", "unplanned")
    return related.filter(server=server, key=key).first()


def _is_the_same(found: Conference, promise: _Promise, *, now: datetime) -> bool:
    """Say whether this may be the opening that is asked for, because the first answer was lost.

    A server asks about no conference that it has. One that was made there is therefore gone, though nobody said so.
    """
    was_made = found.created_there_at or found.first_joined_at or found.seen_at
    if was_made or found.promised_until is None or found.promised_until - now < SHORTEST:
        return False
    meeting_pk = None if promise.occurrence is None else promise.occurrence.pk
    return found.occurrence_id == meeting_pk and (meeting_pk is not None or found.unplanned_id is not None)


def _renew(found: Conference, promise: _Promise) -> None:
    if promise.until is not None and promise.until != found.promised_until:
        found.promised_until = promise.until
        found.save(update_fields=["promised_until"])


def _open(server: ConferenceServer, name: str, asked_by: str, promise: _Promise, *, now: datetime) -> Conference:
    unplanned, until = None, promise.until
    if promise.occurrence is None:
        longest = now + timedelta(minutes=settings.JITSI_UNPLANNED_MINUTES)
        try:
            unplanned = services.open_unplanned(name, site=_site_of(server), until=longest, now=now)
        except services.Refused as refused:
            raise NotNow(Why.NO_LICENCE, free_at=_free_at(refused)) from None
        until = unplanned.ends_at
        if until - now < SHORTEST:
            raise NotNow(Why.NO_LICENCE)
    return Conference.objects.create(
        server=server,
        name=name,
        asked_by=asked_by,
        occurrence=promise.occurrence,
        unplanned=unplanned,
        opened_at=now,
        promised_until=until,
        max_occupants=promise.max_occupants,
    )


def _promise(server: ConferenceServer, name: str, *, now: datetime) -> _Promise:
    """Find out what the server may be told, and hold the licences for it. Raises: NotNow."""
    window = meeting_named(name, now=now)
    if window is None:
        if settings.JITSI_UNPLANNED != "admit":
            raise NotNow(Why.UNKNOWN)
        return _Promise(None)
    if why := _closed_because(window, now=now):
        raise NotNow(why, window)
    if tenant_and_room(name)[0] != urlsplit(server.url).path.strip("/").lower():
        raise NotNow(Why.ADDRESS, window)
    its_server = assignments.server_of(window.occurrence, now=now, asking=server)
    if its_server is None:
        raise NotNow(Why.NO_SERVER, window)
    if its_server.pk != server.pk:
        raise NotNow(Why.ELSEWHERE, window)
    until = _hold(server, window, now=now)
    people = window.people
    if people is None:
        people = ServerAssignment.objects.values_list("people", flat=True).get(pk=window.occurrence.pk)
    return _Promise(window.occurrence, until, most_inside(people))


def most_inside(people: int) -> int:
    """Return how many connections the conference takes: everybody with a second device, and some beside.

    Two devices for everybody only up to MAX_PARTICIPANTS; nobody who is invited stands outside for it.
    """
    return max(people, min(2 * people, settings.MAX_PARTICIPANTS)) + BESIDE_PEOPLE


def _closed_because(window: Window, *, now: datetime) -> Why | None:
    booking = window.occurrence.booking
    if booking.is_cancelled or window.occurrence.status == Occurrence.Status.CANCELLED:
        return Why.CANCELLED
    if now >= window.closes_at:
        return Why.OVER
    if booking.is_requested:
        return Why.REQUESTED
    return Why.EARLY if now < window.admits_from else None


def _hold(server: ConferenceServer, window: Window, *, now: datetime) -> datetime:
    """Hold the meeting's licences from now on; return what the server may be promised. Raises: NotNow.

    Its conference can't be made longer later, nor shorter: only ended. Where we can do that, it is promised all that
    is free after the planned end, and licences are held step by step; elsewhere what is held is what is promised.
    """
    meeting = window.occurrence
    until = services.longest_run(meeting, most=_most(server, meeting), now=now)
    if until - now < SHORTEST:
        raise NotNow(Why.NEEDED if now < meeting.ends_at + grace() else Why.OVER, window)
    wanted = min(until, max(meeting.ends_at, now + STEP)) if server.can_be_controlled else until
    try:
        held = services.hold_for_conference(meeting, until=wanted, now=now)
    except services.Refused as refused:
        raise _no_seats(refused, window, now=now) from None
    until = until if held >= wanted else held
    if until - now < SHORTEST:
        raise NotNow(Why.NO_LICENCE, window)
    return until


def _no_seats(refused: services.Refused, window: Window, *, now: datetime) -> NotNow:
    if any(refusal.code == "changed_meanwhile" for refusal in refused.refusals):
        return NotNow(Why.CANCELLED, window)
    if now >= window.occurrence.ends_at:
        return NotNow(Why.NEEDED, window)
    return NotNow(Why.NO_LICENCE, window, _free_at(refused))


def _most(server: ConferenceServer, meeting: Occurrence) -> datetime:
    """Return until when the conference may last at most: not into the next meeting of a series, which has its name."""
    overrun = timedelta(minutes=settings.JITSI_OVERRUN_MINUTES)
    most = meeting.ends_at + (overrun if server.can_be_controlled else grace())
    if not meeting.booking.is_series:
        return most
    confirmed = Occurrence.objects.filter(booking=meeting.booking_id, status=Occurrence.Status.CONFIRMED)
    later = confirmed.filter(starts_at__gte=meeting.ends_at).order_by("starts_at")
    return min([most, *later.values_list("starts_at", flat=True)[:1]])


def _site_of(server: ConferenceServer) -> Site | None:
    """Return the site whose share an unplanned conference takes: where the server is of one alone."""
    sites = list(server.sites.order_by("pk")[:2])
    return sites[0] if len(sites) == 1 else None


def _free_at(refused: services.Refused) -> datetime | None:
    return next((at for refusal in refused.refusals if (at := refusal.data.get("frees_at"))), None)
