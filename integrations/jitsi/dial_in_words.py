"""What callers are told, in short sentences that a telephone can read out; in the language that is active."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings import wording
from integrations.jitsi.window import Window


def welcome() -> str:
    return pgettext("said on the telephone", "You are being connected.")


def unknown() -> str:
    """Say the same of every PIN that lets nobody in, whatever the reason."""
    return _("There is no session with this PIN now. Please check the PIN and the time of the session.")


def ask_again(seconds: int) -> str:
    return ngettext(
        "Many wrong PINs were given lately. Please give your PIN once more in %(count)d second.",
        "Many wrong PINs were given lately. Please give your PIN once more in %(count)d seconds.",
        seconds,
    ) % {"count": seconds}


def blocked() -> str:
    return _("Too many wrong PINs were given from this number. Please call again in ten minutes.")


def not_open(window: Window, *, now: datetime) -> str:
    """Say to somebody who has the right PIN why they can't come in now."""
    zone = window.occurrence.booking.zone
    if not window.takes_place:
        return _("This session is cancelled.")
    if now >= window.closes_at:
        return _("This session is over.")
    starts, opens = (at.astimezone(zone) for at in (window.occurrence.starts_at, window.opens_at))
    values = {"starts": wording.clock(starts), "opens": wording.clock(opens)}
    if starts.date() == timezone.localtime(now, zone).date():
        return _("The session begins at %(starts)s. Please call again from %(opens)s on.") % values
    return _("The session begins on %(day)s at %(starts)s. Please call again from %(opens)s on.") % {
        **values,
        "day": wording.long_date(starts.date()),
    }


def no_server() -> str:
    return _("The conference of this session can't be reached just now. Please call again in a few minutes.")


def how_to_call() -> str:
    return _("Call one of the numbers and give the PIN, then the hash key.")


def nothing_here() -> str:
    """Say to a conference that nobody can call into it: unknown, closed to callers, or not open now."""
    return _("This conference can't be joined by telephone now.")


def too_often() -> str:
    return _("There were too many questions from your network. Try again in some minutes.")
