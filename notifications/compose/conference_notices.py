"""What an organizer is told of conferences: that nobody came, and what became of rooms and licence."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from bookings.models import Occurrence
from integrations.jitsi.links import token_for
from notifications.compose.matter import rooms_of_booking
from notifications.compose.notice_parts import Row, Told, facts_of_meeting, page_of


def missed(row: Row) -> Told:
    """Say that nobody joined. The organizer's own way in is the button: joining takes again what is still free."""
    booking = row.booking
    meeting = Occurrence.objects.get(pk=row.key("occurrence"))
    organizer = booking.attendees.filter(user=row.user, is_organizer=True, removed_at=None).first()
    if rooms_of_booking(booking, meeting):
        words = _("nobody has joined the conference, so its rooms and its licence are free for others again.")
    else:
        words = _("nobody has joined the conference, so its licence is free for others again.")
    return Told(
        kicker=_("Nobody has come"),
        title=meeting.own_title or booking.title,
        facts=facts_of_meeting(booking, meeting, row),
        paragraphs=(
            words,
            _("If the session takes place after all, join it now: it takes again what nobody else has by then."),
        ),
        button=_("Join the session") if organizer else _("Open the session"),
        url=reverse("join", kwargs={"token": token_for(organizer)}) if organizer else page_of(booking, meeting),
    )
