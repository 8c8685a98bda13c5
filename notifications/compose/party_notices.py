"""What is told of people whom guests bring along: who goes instead, who was registered, who left, who moved."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Contact, ContactGroup
from bookings.models import Answer, Attendee
from notifications.compose.answer_notices import said, title_of, who
from notifications.compose.notice_parts import Row, Told, facts_of_meeting, page_of
from notifications.compose.series_words import NO_LINES, Listing


def delegated(row: Row) -> Told:
    """Say who goes in whose place, with the words of the one who stays away."""
    delegate = _attendee(row)
    sender = delegate.named_by or delegate
    answer = Answer.objects.filter(attendee=sender, delegated_to__iexact=delegate.email).order_by("-pk").first()
    values = {"name": who(sender), "other": who(delegate)}
    return _told(
        row,
        delegate,
        _("Somebody else will come"),
        _("%(name)s is not coming and is sending %(other)s instead.") % values,
        said(answer.comment) if answer else "",
        _("%(other)s has an invitation and a personal link by now. You need not do anything.") % values,
    )


def delegation_ended(row: Row) -> Told:
    delegate = _attendee(row)
    values = {"name": who(delegate.named_by or delegate), "other": who(delegate)}
    return _told(
        row,
        delegate,
        _("Nobody else comes instead after all"),
        _("%(name)s no longer sends %(other)s, who is off the list and has been told so.") % values,
    )


def registered(row: Row) -> Told:
    """Name those who were registered and are on the list still."""
    guest = _attendee(row)
    keys = (row.message.data or {}).get("added", [])
    people = list(Attendee.objects.filter(pk__in=keys, removed_at=None).order_by("pk"))
    words = ngettext(
        "%(name)s has registered %(count)d person for your session.",
        "%(name)s has registered %(count)d people for your session.",
        len(keys),
    )
    return _told(
        row,
        guest,
        _("More people will come"),
        words % {"name": who(guest), "count": len(keys)},
        _("Each of them has an invitation and a personal link by now:") if people else "",
        listing=Listing.of([who(person) for person in people], limit=len(people)),
    )


def left(row: Row) -> Told:
    guest = _attendee(row)
    return _told(
        row,
        guest,
        _("Somebody has left the list"),
        _("%(name)s does not want to take part and has left the list of participants.") % {"name": who(guest)},
        said(guest.answer_comment),
    )


def readdressed(row: Row) -> Told:
    guest = _attendee(row)
    before = Attendee.objects.get(pk=row.key("before"))
    in_contacts = _("The address book still has the old address; IT can correct it there.") if before.contact_id else ""
    return _told(
        row,
        guest,
        _("Somebody has another address"),
        _("%(name)s can now be reached at %(email)s; mail to that address has been proved to arrive.")
        % {"name": before.label, "email": guest.email},
        _("The invitation has gone there, and an answer from the old address no longer counts."),
        in_contacts,
    )


def groups_left(row: Row) -> Told:
    """Tell IT, who keep the groups, that a contact has left some."""
    contact = Contact.objects.filter(pk=row.key("contact")).first()
    groups = ContactGroup.objects.filter(pk__in=(row.message.data or {}).get("groups", [])).order_by("name")
    name = f"{contact.name} ({contact.email})" if contact else _("A contact that is no longer there")
    return Told(
        kicker=_("A contact has left a group"),
        title=name,
        facts=(),
        paragraphs=(
            _("whoever has the personal link of this contact asked not to be invited with these groups any more:"),
            _("If that is a mistake, you can put the contact back into the group in the administration."),
        ),
        button=_("Open the groups"),
        url=reverse("admin:accounts_contactgroup_changelist"),
        listing=Listing.of([group.name for group in groups], limit=len(groups)),
    )


def _attendee(row: Row) -> Attendee:
    return Attendee.objects.select_related("named_by", "occurrence").get(pk=row.key("attendee"))


def _told(row: Row, about: Attendee, kicker: str, *paragraphs: str, listing: Listing = NO_LINES) -> Told:
    booking, meeting = row.booking, about.occurrence
    return Told(
        kicker=kicker,
        title=title_of(booking, meeting),
        facts=facts_of_meeting(booking, meeting, row),
        paragraphs=paragraphs,
        button=_("Open the session"),
        url=page_of(booking, meeting),
        listing=listing,
    )
