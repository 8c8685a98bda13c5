"""Who may see and change a booking. Deny by default: what no predicate allows is not there for the user."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from bookings.models import Attendee, Booking, FormTemplate, RoomHold
from rooms.permissions import SiteRoles


def visible_to(user: User, roles: SiteRoles) -> QuerySet[Booking]:
    """Return the bookings that the user may open: their own, those they are invited to, those at sites they manage."""
    if roles.is_it_admin:
        return Booking.objects.all()
    mine = Q(organizer=user) | Q(created_by=user)
    invited = Exists(Attendee.objects.filter(booking=OuterRef("pk"), user=user, removed_at=None))
    query = mine | Q(invited)
    if roles.managed_sites:
        at_my_site = Exists(
            RoomHold.objects.filter(occurrence__booking=OuterRef("pk"), room__site__in=roles.managed_sites)
        )
        query |= Q(host_site__in=roles.managed_sites) | Q(at_my_site)
    return Booking.objects.filter(query)


def may_change(user: User, booking: Booking) -> bool:
    """Say whether the user may move, edit and cancel the booking. Asks the database; not for lists.

    Organizers, those who booked for them, managers of a site that takes part and IT admins may; invited colleagues see
    it only.
    """
    if user.pk in {booking.organizer_id, booking.created_by_id}:
        return True
    holds = RoomHold.objects.filter(occurrence__booking=booking, live=True)
    sites = {*holds.values_list("room__site_id", flat=True), booking.host_site_id}
    roles = SiteRoles.of(user)
    return roles.is_it_admin or any(roles.manages(site_id) for site_id in sites if site_id is not None)


def may_correct_contacts(user: User) -> bool:
    """Say whether the user may change the address book that everybody invites from: IT admins, as in administration."""
    return user.is_staff


def meetings_open_to(user: User, booking: Booking) -> frozenset[int] | None:
    """Return the meetings of a series that a guest of single ones may look at; None: all of them.

    For somebody who may open the booking (`visible_to`) and not change it. Guests of single meetings see those, and
    nothing of the others: not when they are, not who comes, not what happened to them.
    """
    if not booking.is_series:
        return None
    invited = booking.attendees.filter(user=user, removed_at=None)
    found = frozenset(invited.values_list("occurrence", flat=True))
    return None if None in found or not found else frozenset(pk for pk in found if pk is not None)


def may_change_template(user: User, template: FormTemplate) -> bool:
    """Say whether the user may rename and delete a template: its owner, and managers of the site it is shared with."""
    shared = template.site_id is not None and SiteRoles.of(user).manages(template.site_id)
    return template.owner_id == user.pk or shared
