"""What the navigation of every page says of the reader: requests to answer, offers to take, sites to manage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from rooms import prepared
from rooms.permissions import SiteRoles

_KEPT = "_nav_counts"
# What `approval_queries.answerable` says, written out: compiling it for every page takes longer than all the rest of a
# short one.
_COUNTS = """
SELECT (
    SELECT count(*) FROM bookings_approval approval JOIN bookings_booking booking ON booking.id = approval.booking_id
    WHERE approval.state = 'pending' AND approval.expires_at > %(now)s::timestamptz AND booking.status = 'requested'
    AND booking.organizer_id <> %(user)s::bigint AND booking.created_by_id <> %(user)s::bigint
    AND (%(answers_all)s::boolean OR EXISTS (
        SELECT FROM rooms_siterole role JOIN accounts_user manager ON manager.id = role.user_id AND manager.is_active
        WHERE role.site_id = approval.site_id AND role.role = 'manager' AND (
            manager.id = %(user)s::bigint OR EXISTS (
                SELECT FROM rooms_deputy standing_in
                WHERE standing_in.manager_id = manager.id AND standing_in.deputy_id = %(user)s::bigint
                AND %(today)s::date BETWEEN standing_in.valid_from AND standing_in.valid_to
            )
        )
    ))
), (
    SELECT count(*) FROM bookings_waitlistentry
    WHERE user_id = %(user)s::bigint AND state = 'offered' AND offer_expires_at > %(now)s::timestamptz
)
"""


@dataclass(frozen=True, slots=True)
class NavCounts:
    requests: int = 0
    offers: int = 0
    manages_a_site: bool = False

    @property
    def all(self) -> int:
        return self.requests + self.offers


def nav_counts_of(request: HttpRequest, *, now: datetime) -> NavCounts:
    """Return what the navigation of the page says of its reader, asked once for each request."""
    if not isinstance(request.user, User):
        return NavCounts()
    if not hasattr(request, _KEPT):
        setattr(request, _KEPT, nav_counts(request.user, now=now))
    found: NavCounts = getattr(request, _KEPT)
    return found


def read_along(request: HttpRequest, user: User, *more: prepared.Statement, now: datetime) -> list[prepared.Rows]:
    """Read it for the request in one round trip with what its page reads anyway; return the rows of that."""
    *found, counts = prepared.fetch_each(*more, _statement(user, now=now))
    setattr(request, _KEPT, _counts_of(user, counts))
    return found


def nav_counts(user: User, *, now: datetime) -> NavCounts:
    """Ask the database once; of the sites, only what the user object does not know yet (`SiteRoles`)."""
    return _counts_of(user, prepared.fetch(*_statement(user, now=now)))


def _statement(user: User, *, now: datetime) -> prepared.Statement:
    today = timezone.localtime(now).date()
    return _COUNTS, {"user": user.pk, "now": now, "today": today, "answers_all": user.is_it_admin}


def _counts_of(user: User, rows: prepared.Rows) -> NavCounts:
    if not user.is_active:
        return NavCounts()
    ((requests, waiting),) = rows
    return NavCounts(requests, waiting, user.is_it_admin or bool(SiteRoles.of(user).managed_sites))
