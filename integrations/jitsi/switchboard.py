"""What the office's switchboard is told of a PIN: into which conference it lets the caller, or what to say instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bookings.models import Booking
from integrations.jitsi import dial_in, dial_in_tries, dial_in_words, tokens
from integrations.jitsi.assignments import server_of
from integrations.jitsi.models import DialInPin
from integrations.jitsi.window import Window, meeting_named

#: Characters of a PIN as it is typed; of longer ones nobody needs to know how they go on.
MAX_PIN = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """`conference`: the room's address, empty where the caller may not come in; `message` says why, or that they may.

    `headers`: with which SIP servers send the call on to Jigasi. `retry_after_seconds`: when a PIN that was not looked
    at may be given again.
    """

    message: str
    conference: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    retry_after_seconds: int = 0


def look_up(pin: str, *, caller: str, now: datetime) -> Answer:
    """Return where a caller's PIN leads at `now`. Words are in the language that is active.

    `caller`: their telephone number, empty where it is withheld. Whoever guesses is slowed down (`dial_in_tries`).
    """
    if seconds := dial_in_tries.seconds_to_wait(pin, caller=caller, now=now):
        words = dial_in_words.blocked() if seconds > dial_in_tries.AGAIN_AFTER.seconds else ""
        return Answer(words or dial_in_words.ask_again(seconds), retry_after_seconds=seconds)
    booking = _booking(pin)
    if booking is None:
        dial_in_tries.was_wrong(now=now)
        return Answer(dial_in_words.unknown())
    dial_in_tries.was_right(caller=caller)
    window = meeting_named(booking.conference_name, now=now)
    if window is None or not window.holds(now):
        return Answer(dial_in_words.not_open(window, now=now) if window else dial_in_words.unknown())
    return _let_in(window, now=now)


def conference_pin(conference: str, *, now: datetime) -> tuple[str, str] | None:
    """Return a conference's address and PIN while callers may come in; None for every other, whatever the reason.

    `conference`: `room@muc.example`; the name is the key, so that nobody can ask for what they don't know.
    """
    window = _open_now(conference, now=now)
    if window is None or not dial_in.is_offered(window.occurrence.booking) or not dial_in.numbers():
        return None
    server = server_of(window.occurrence, now=now)
    if server is None:
        return None
    booking = window.occurrence.booking
    return f"{booking.conference_name}@{server.conferences_domain}", dial_in.pin_for(booking, now=now)


def site_ids_of(conference: str, *, now: datetime) -> frozenset[int]:
    """Return the site of the session whose conference is open now; none of every other."""
    window = _open_now(conference, now=now)
    site_id = window.occurrence.booking.host_site_id if window else None
    return frozenset() if site_id is None else frozenset([site_id])


def _open_now(conference: str, *, now: datetime) -> Window | None:
    room = conference.partition("@")[0].strip().lower()
    window = meeting_named(room, now=now) if room else None
    return window if window and window.holds(now) else None


def _booking(pin: str) -> Booking | None:
    """Return the session with this PIN, cancelled ones too: their callers are told."""
    found = DialInPin.objects.select_related("booking").filter(pin=pin).first()
    if found is None or not dial_in.numbers():
        return None
    booking = found.booking
    return booking if booking.is_cancelled or dial_in.is_offered(booking) else None


def _let_in(window: Window, *, now: datetime) -> Answer:
    server = server_of(window.occurrence, now=now)
    if server is None:
        return Answer(dial_in_words.no_server())
    conference = f"{window.occurrence.booking.conference_name}@{server.conferences_domain}"
    try:
        token = tokens.mint_telephone(window.occurrence, server=server, now=now)
    except tokens.NotConfigured:
        return Answer(dial_in_words.no_server())
    headers = {"Jitsi-Conference-Room": conference, "Jitsi-Auth-Token": token}
    return Answer(dial_in_words.welcome(), conference, headers)
