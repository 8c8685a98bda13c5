"""What is kept of booking forms, as far as one may use it: one's drafts, one's templates and shared ones."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import User
from bookings.models import FormTemplate, KeptForm
from rooms.permissions import SiteRoles


def kept_forms_of(user: User) -> QuerySet[KeptForm]:
    """Return the forms that the user left, those saved last first. Nobody else sees them, whatever their role."""
    return KeptForm.objects.filter(user=user, deleted_at=None).order_by("-saved_at", "-pk")


def templates_for(user: User) -> QuerySet[FormTemplate]:
    """Return the user's own templates and those shared with a site of theirs, by name."""
    mine_or_shared = Q(owner=user) | _shared_with(SiteRoles.of(user))
    found = FormTemplate.objects.filter(mine_or_shared, deleted_at=None)
    return found.select_related("owner", "site").order_by("name", "pk")


def _shared_with(roles: SiteRoles) -> Q:
    if roles.is_it_admin:
        return Q(site__isnull=False)
    return Q(site__in=roles.staff_sites)
