"""What the booking page says in sentences: the time in full, what is held, whose approval it needs, the submit bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.rules import Code, Refusal
from bookings.services import DraftState
from bookings.views import booking_tracks
from bookings.wording import clock, day_and_month, long_date, refusal_text, time_range, zone_label

if TYPE_CHECKING:
    from bookings.views.booking_page import Page


def when_words(page: Page) -> str:
    """Say the time in full, so that a slip of the pen is seen: „czwartek, 3 grudnia 2026, 10:00–11:00”."""
    if page.request is None or page.assessment is None or page.assessment.interval is None:
        return ""
    start, end = page.request.local_start, page.request.local_end
    words = f"{long_date(start.date())}, {time_range(start, end)}"
    if page.user.time_zone != page.time_zone:
        words += f", {zone_label(page.assessment.interval.start_at, booking_tracks.zone_of(page.request))}"
    return words


def held_words(page: Page, held: DraftState | None) -> str:
    """Say until when the open form keeps what was chosen: „Salę trzymamy dla Ciebie do 10:51.”"""
    if held is None or held.expires_at is None:
        return ""
    until = {"time": clock(booking_tracks.local(held.expires_at, page.time_zone))}
    if not held.held:
        return _("What is still free is held for you until %(time)s.") % until
    count = len(page.chosen)
    return ngettext("The room is held for you until %(time)s.", "The rooms are held for you until %(time)s.", count) % {
        **until,
        "count": count,
    }


def approval_words(page: Page) -> str:
    """Say whose approval the session needs, or nothing; what is booked already is not sent for one."""
    if page.assessment is None or not page.assessment.needs_approval:
        return ""
    if page.details is not None and not page.details.booking.is_requested:
        return refusal_text(Refusal(Code.APPROVAL_NEEDED, "rooms"))
    sites = {room.site_id: room.site.name for room in page.rooms}
    asked = [sites[pk] for pk, _reasons in page.assessment.needs_approval if pk in sites]
    if not asked:
        return _("Needs approval. Rooms and licences are held for you until it is answered.")
    return _("Needs the approval of: %(sites)s. Rooms and licences are held for you until it is answered.") % {
        "sites": ", ".join(dict.fromkeys(asked))
    }


def summary(page: Page) -> dict[str, str]:
    """What the bar with the button says: when and how many rooms, invitations and licences."""
    count = len(page.chosen)
    words = [ngettext("%(count)d room", "%(count)d rooms", count) % {"count": count}] if count else [_("no room")]
    if page.request is not None and page.assessment and page.assessment.interval:
        start, end = page.request.local_start, page.request.local_end
        when_words = f"{day_and_month(start.date())}, {time_range(start, end)}"
        words.insert(0, page.outcome.summary if page.outcome else when_words)
    people = _("participants: %(count)d") if page.details else _("invitations: %(count)d")
    facts = [people % {"count": page.people_count}]
    if page.picture and page.picture.licences:
        count = sum(state.seats for state in page.picture.licences)
        facts.append(_("licences: %(count)d") % {"count": count})
    clashes = sum(refusal.code in booking_tracks.CLASHES for refusal in page.refusals)
    clash_words = ngettext("Availability: %(count)d clash", "Availability: %(count)d clashes", clashes)
    return {
        "strong": " · ".join(words),
        "small": " · ".join(facts),
        "clashes": clash_words % {"count": clashes} if clashes else "",
    }
