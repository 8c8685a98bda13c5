"""Who may do what at which site. Deny by default: whoever has no role may book nothing and manages nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from rooms import prepared
from rooms.models import Room, SiteRole
from rooms.rules import MANAGER, STAFF, Place

Visitor = User | AnonymousUser
_KEPT = "roles as rows"
_CACHE = "_prefetched_objects_cache"


@dataclass(frozen=True, slots=True)
class SiteRoles:
    """What one user may do. Site managers are staff of their site as well; IT admins need no role."""

    is_it_admin: bool = False
    staff_sites: frozenset[int] = frozenset()
    managed_sites: frozenset[int] = frozenset()

    @classmethod
    def of(cls, user: Visitor) -> SiteRoles:
        """Read the roles of `user`: one query for each user object, however often it is asked.

        Whoever is not signed in or may no longer sign in has none.
        """
        if not isinstance(user, User) or not user.is_active:
            return cls()
        # Django's own prefetch cache keeps them with the user object, that is for one request, and drops them when the
        # user is read anew. Written out: prefetching takes a tenth of the time of a booking.
        kept = _kept_with(user)
        if _KEPT not in kept:
            kept[_KEPT] = prepared.fetch("SELECT site_id, role FROM rooms_siterole WHERE user_id = %s", [user.pk])
        return cls(
            is_it_admin=user.is_it_admin,
            staff_sites=frozenset(site_id for site_id, _role in kept[_KEPT]),
            managed_sites=frozenset(site_id for site_id, role in kept[_KEPT] if role == SiteRole.Role.MANAGER),
        )

    @staticmethod
    def keep(user: User, rows: list[tuple[int, str]]) -> None:
        """Keep sites and roles that a page has read along with something else, so that `of` asks no more."""
        _kept_with(user)[_KEPT] = rows

    @property
    def may_book_anything(self) -> bool:
        """Say whether there can be a room that the user may book."""
        return self.is_it_admin or bool(self.staff_sites)

    @property
    def manages_anything(self) -> bool:
        return self.is_it_admin or bool(self.managed_sites)

    def manages(self, site_id: int) -> bool:
        return self.is_it_admin or site_id in self.managed_sites

    def role_at(self, site_id: int) -> str:
        """Return the role that rules of a site look at; empty for people of other sites. IT admins manage them all."""
        if self.manages(site_id):
            return MANAGER
        return STAFF if site_id in self.staff_sites else ""

    def may_ask(self, room: Room) -> bool:
        """Say whether a request for the room may be sent: it is booked at once, or when a manager has agreed.

        Staff of any site ask for rooms of every site: the office is one. Asks the database nothing; rules of the
        office may still refuse (`rooms.rules`).
        """
        return room.is_active and self.may_book_anything

    def may_book(self, room: Room) -> bool:
        """Say whether a request for the room needs nobody's answer as far as the room itself says.

        Rooms that need approval are booked at once by the managers of their site; others ask.
        """
        return self.may_ask(room) and (not room.needs_approval or self.manages(room.site_id))

    def place_of(self, room: Room) -> Place:
        """Return the room as rules see it when this user asks for it. `room.site` is loaded."""
        return Place(
            zone=room.site.zone,
            site_id=room.site_id,
            room_id=room.pk,
            role=self.role_at(room.site_id),
            needs_approval=room.needs_approval,
        )

    def no_place(self, zone: ZoneInfo) -> Place:
        """Return what rules see of a session that takes no room: only rules of the whole office bind it."""
        role = MANAGER if self.is_it_admin or self.managed_sites else STAFF if self.staff_sites else ""
        return Place(zone=zone, role=role)


def _kept_with(user: User) -> dict[str, Any]:
    # Asked of the user, not of the object's own dictionary: that of a request stands behind a proxy.
    if not hasattr(user, _CACHE):
        setattr(user, _CACHE, {})
    kept: dict[str, Any] = getattr(user, _CACHE)
    return kept
