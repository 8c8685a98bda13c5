"""Asks the managers of sites for approval, as part of booking and changing; their answers are in `approvals`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bookings import rows
from bookings.approval_terms import approvals_due
from bookings.availability import Assessment
from bookings.models import Approval, Booking
from bookings.rules import Code, Refusal
from bookings.services.errors import Refused

#: Reasons by site, as `rooms.rules` gives them.
Sites = dict[int, list[dict[str, Any]]]


def sites_to_ask(assessment: Assessment) -> Sites:
    """Return which sites' managers have to agree, and why. What no site is named for is asked of the host site.

    Raises: Refused where there is nobody to ask.
    """
    sites: Sites = {}
    for site_id, reasons in assessment.needs_approval:
        asked = site_id if site_id is not None else assessment.facts.host_site_id
        if asked is None:
            raise Refused([Refusal(Code.APPROVAL_NEEDED, "rooms")])
        sites.setdefault(asked, []).extend(reasons)
    return sites


def ask(booking: Booking, sites: Sites, *, now: datetime, starts_at: datetime) -> None:
    """Put the request before these sites; one that was answered before is asked again."""
    if not sites:
        return
    escalates_at, expires_at = approvals_due(now, starts_at)
    asked = [
        Approval(
            booking=booking,
            site_id=site_id,
            reasons=reasons,
            requested_at=now,
            escalates_at=escalates_at,
            expires_at=expires_at,
        )
        for site_id, reasons in sites.items()
    ]
    fields = ["state", "reasons", "requested_at", "escalates_at", "escalated_at", "expires_at", "decided_at"]
    Approval.objects.bulk_create(
        asked,
        update_conflicts=True,
        unique_fields=["booking", "site"],
        update_fields=[*fields, "decided_by", "answer"],
    )


def ask_anew(booking: Booking, sites: Sites, *, now: datetime, starts_at: datetime) -> None:
    """After a change of time or rooms: ask the sites concerned now, and leave the others in peace."""
    others = booking.approvals.exclude(site__in=sites).values_list("site_id", flat=True)
    rows.withdraw_approvals(booking, now=now, site_ids=list(others))
    ask(booking, sites, now=now, starts_at=starts_at)
