"""Who holds something, in words, as far as the reader may know."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bookings.rules import Holder


def holder_text(holder: Holder | None) -> str:
    """„„Szkolenie BHP” (Piotr Zieliński, tel. 4127)”; of a closed session only that it is one."""
    if holder is None or (holder.is_private and not holder.title):
        return _("a closed session")
    who = holder.organizer
    if who and holder.phone:
        who = _("%(person)s, tel. %(phone)s") % {"person": who, "phone": holder.phone}
    return _("“%(title)s” (%(person)s)") % {"title": holder.title, "person": who} if who else holder.title
