"""Keeps what is typed into forms for new sessions until they are booked: no closed browser and no crash loses it.

One row for each form, known by its submission number. What is booked is kept no longer (`forget_form`, in the booking's
transaction), what nobody comes back to is forgotten, and what was deleted can be taken back for an hour.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from accounts.models import User
from bookings.models import MAX_BODY_LENGTH, FormTemplate, KeptForm
from rooms import prepared

#: How long a form is kept after its last change.
KEPT_FOR = timedelta(days=30)
#: How long what was deleted can be taken back.
TAKEN_BACK_FOR = timedelta(hours=1)
#: Of one person; the one that was left longest gives way.
MAX_KEPT_FORMS = 20
#: Advisory locks of users have a number of their own beside them, so that they meet no form's.
_USERS = 7_302
_MAX_TURN = 2**31 - 1

# A form that was booked is not kept again. Of one opened page the later change stays, whichever arrives last; what
# comes without a page's name was sent by a button and is the latest.
_KEEP = """
INSERT INTO bookings_keptform AS kept (user_id, submission, body, opening, turn, saved_at)
SELECT %(user)s, %(submission)s, %(body)s, %(opening)s, %(turn)s, %(now)s
WHERE NOT EXISTS (SELECT FROM bookings_booking WHERE submission = %(submission)s)
ON CONFLICT (submission) DO UPDATE SET body = excluded.body, opening = excluded.opening, turn = excluded.turn,
    saved_at = excluded.saved_at, deleted_at = NULL
WHERE kept.user_id = excluded.user_id
    AND (kept.body <> excluded.body OR kept.deleted_at IS NOT NULL AND excluded.opening = '')
    AND (kept.opening <> excluded.opening OR excluded.opening = '' OR kept.turn < excluded.turn)
RETURNING xmax = 0
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """Which opened page sends a form, and which of its changes this is. Without script neither is known."""

    opening: str = ""
    number: int = 0


def keep_form(
    body: str,
    *,
    submission: uuid.UUID,
    user: User,
    now: datetime,
    turn: Turn | None = None,
    pause: timedelta = timedelta(),
) -> datetime | None:
    """Keep the fields of a form in place of what was kept of it, and return when what is kept now was saved.

    None: nothing is kept of it, since it was booked, is somebody else's or is longer than MAX_BODY_LENGTH; what was
    kept of one that became too long stays. `pause`: a form that was saved this little ago is left as it is.
    """
    known = _saved_lately(body, submission=submission, user=user, now=now, pause=pause)
    if known is not None or len(body) > MAX_BODY_LENGTH:
        return known
    turn = turn or Turn()
    values: dict[str, Any] = {
        "user": user.pk,
        "submission": submission,
        "body": body,
        "opening": turn.opening[:32],
        "turn": min(turn.number, _MAX_TURN),
        "now": now,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # Booking takes the same lock first: either it sees what is written here, or this sees the booking.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [submission.int % 2**63])
        cursor.execute(_KEEP, values)
        written = cursor.fetchone()
        if written and written[0]:
            _drop_surplus(user)
    kept = KeptForm.objects.filter(submission=submission, user=user, deleted_at=None).values_list("saved_at", flat=True)
    return kept.first()


def forget(submission: uuid.UUID) -> None:
    """Keep a form no longer. Inside the transaction that books it, under its lock."""
    prepared.run("DELETE FROM bookings_keptform WHERE submission = %s::uuid", [submission])


def empty_form(*, submission: uuid.UUID, user: User, turn: Turn) -> None:
    """Keep nothing of the user's form any more: everything in it was cleared, unless a later change came before."""
    later = Q(opening=turn.opening, turn__gte=turn.number) & ~Q(opening="")
    KeptForm.objects.filter(~later, submission=submission, user=user).delete()


def delete_form(form: KeptForm, *, now: datetime) -> None:
    """Delete a kept form; `restore_form` takes that back for an hour."""
    KeptForm.objects.filter(pk=form.pk).update(deleted_at=now)


def restore_form(form: KeptForm) -> None:
    with transaction.atomic():
        KeptForm.objects.filter(pk=form.pk).update(deleted_at=None)
        _drop_surplus(form.user)


def forget_kept_forms(now: datetime) -> int:
    """Delete for good what was kept for KEPT_FOR, and what was deleted and not taken back. Return how many rows."""
    old = Q(saved_at__lt=now - KEPT_FOR) | Q(deleted_at__lt=now - TAKEN_BACK_FOR)
    forms, _kinds = KeptForm.objects.filter(old).delete()
    templates, _kinds = FormTemplate.objects.filter(deleted_at__lt=now - TAKEN_BACK_FOR).delete()
    return forms + templates


def _saved_lately(body: str, *, submission: uuid.UUID, user: User, now: datetime, pause: timedelta) -> datetime | None:
    """Return when the form was saved, if it stands there as it is now or was saved within the pause."""
    same = Q(body=body) | Q(saved_at__gt=now - pause, saved_at__lte=now)
    forms = KeptForm.objects.filter(same, submission=submission, user=user, deleted_at=None)
    return forms.values_list("saved_at", flat=True).first()


def _drop_surplus(user: User) -> None:
    """Leave the user the newest forms; those that are saved for the first time at once wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_USERS, user.pk % 2**31])
    newest = KeptForm.objects.filter(user=user, deleted_at=None).order_by("-saved_at", "-pk")
    KeptForm.objects.filter(pk__in=list(newest.values_list("pk", flat=True)[MAX_KEPT_FORMS:])).delete()
