"""Choices and quiet hours in SQL, for statements that ask about all people at once; the rule is that of `quiet`.

The texts read tables under the names `attendee` and `booking`, and these values: `now`, `leads`, `quiet_from`,
`quiet_to` (`office`). A test compares the two.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings

from notifications.quiet import MIN_NOTICE

# What was chosen by the person: with an account by the account, else for the address. Then what the site does that
# hosts the session.
CHOICES = """
LEFT JOIN notifications_reminderchoice own ON own.user_id = attendee.user_id
LEFT JOIN notifications_reminderchoice guest
    ON attendee.user_id IS NULL AND guest.address = lower(attendee.email)
LEFT JOIN notifications_sitereminders site ON site.site_id = booking.host_site_id
"""

#: How long before the start; an empty array: not at all.
LEADS = "coalesce(own.leads, guest.leads, site.leads, %(leads)s::interval[])"


def _hour(column: str) -> str:
    # Without hours of their own the columns are empty, which is what "none" means.
    return f"""CASE
        WHEN coalesce(own.quiet, guest.quiet) <> 'default' THEN coalesce(own.{column}, guest.{column})
        WHEN site.quiet <> 'default' THEN site.{column}
        ELSE %({column})s::time
    END"""


#: From when and until when the person is left alone, by their clock; NULL: at no hour.
QUIET_FROM, QUIET_TO = _hour("quiet_from"), _hour("quiet_to")

NOTICE = f"interval '{MIN_NOTICE.total_seconds():.0f} seconds'"


def may_be_quiet(moment: str, *, zone: str, starts: str, ends: str) -> str:
    """Return a condition that is true wherever the moment may lie in quiet hours, and false far from them.

    By the wall clock alone, with an hour to spare for nights in which it changes: a fifth of what looking closely
    costs. False where there are no quiet hours.
    """
    return f"""(
        (({moment} AT TIME ZONE {zone})::time - ({starts}::interval - interval '1 hour'))::interval
            < ({ends} - {starts}::interval)::interval + interval '2 hours'
    )"""


def night_at(moment: str, *, zone: str, starts: str, ends: str) -> str:
    """Return a subquery of one row: when the quiet hours begin and end (`begins`, `ends`) that the moment lies in.

    NULL where it lies in none. PostgreSQL reads a time that the clock shows twice, or skips, as `quiet` does.
    """
    return f"""(
        SELECT min(begins) AS begins, max(ends) AS ends
        FROM (
            SELECT (day + {starts}) AT TIME ZONE {zone} AS begins,
                   (day + ({ends} < {starts})::int + {ends}) AT TIME ZONE {zone} AS ends
            FROM (VALUES (({moment} AT TIME ZONE {zone})::date - 1), (({moment} AT TIME ZONE {zone})::date)) days (day)
            WHERE {may_be_quiet(moment, zone=zone, starts=starts, ends=ends)}
        ) nights
        WHERE {moment} >= begins AND {moment} < ends
    )"""  # noqa: S608  put together from constants


def due_at(start: str, lead: str, *, zone: str, starts: str, ends: str) -> str:
    """Return a subquery of one row: when a reminder leaves (`at`), as `quiet.due_at` says.

    OFFSET 0 keeps each step a value of its own: put into each other, they would be found anew wherever they are used.
    """
    clock = {"zone": zone, "starts": starts, "ends": ends}
    return f"""(
        SELECT CASE WHEN night.ends <= {start} - {NOTICE} THEN night.ends ELSE looked.at END AS at
        FROM (SELECT {start} - {lead} AS at OFFSET 0) planned
        CROSS JOIN LATERAL {night_at("planned.at", **clock)} held
        CROSS JOIN LATERAL (
            SELECT greatest(%(now)s::timestamptz, CASE
                WHEN held.ends IS NULL THEN planned.at
                WHEN held.ends <= {start} - {NOTICE} THEN held.ends
                ELSE held.begins
            END) AS at OFFSET 0
        ) looked
        CROSS JOIN LATERAL {night_at("looked.at", **clock)} night
    )"""  # noqa: S608  put together from constants


# Whether now is no time for this mail, although it is due: it was held up into the night. A reminder waits for the
# morning only if that is in time.
WAITS_FOR_MORNING = f"""
message.kind IN ('reminder', 'nudge') AND EXISTS (
    SELECT
    FROM (SELECT) one
    {CHOICES}
    CROSS JOIN LATERAL (
        SELECT attendee.time_zone AS zone, {QUIET_FROM} AS starts, {QUIET_TO} AS ends OFFSET 0
    ) terms
    CROSS JOIN LATERAL {night_at("%(now)s::timestamptz", zone="terms.zone", starts="terms.starts", ends="terms.ends")}
        night
    WHERE night.ends <= message.starts_at - {NOTICE} OR night.ends IS NOT NULL AND message.kind = 'nudge'
)
"""  # noqa: S608  put together from constants


def office(now: datetime) -> dict[str, Any]:
    """Return the values that the texts read: the moment, and what the office does where nobody chose anything."""
    quiet_from, quiet_to = settings.REMINDER_QUIET or (None, None)
    return {"now": now, "leads": list(settings.REMINDER_LEADS), "quiet_from": quiet_from, "quiet_to": quiet_to}
