"""What an open form holds, for ten minutes: nobody takes a room away from under somebody who is still typing.

A draft refuses nobody anything. What can be held is held, what can't is reported. It ends by itself: past its time
nothing counts it any more, whoever needs the time deletes it, and `forget_drafts` only sweeps up.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from accounts.models import User
from bookings import availability
from bookings.availability import Assessment
from bookings.availability.planned import PlannedMeeting
from bookings.models import Booking, Draft, RoomHold, as_range
from bookings.rules import BookingRequest, Code, Refusal
from bookings.services import licence_refusals, locks, temporary
from bookings.services.booking import cleaned
from bookings.services.errors import Refused, in_one_transaction
from bookings.services.temporary import Wanted
from rooms.permissions import SiteRoles

#: Refused alone, while the rest of the meeting is held.
_ONE_ROOM = {Code.ROOM_TAKEN, Code.ROOM_CLOSED, Code.ROOM_NOT_ALLOWED, Code.ROOM_UNKNOWN}
_ONE_KIND = {Code.LICENCE_NONE_FREE, Code.EQUIPMENT_NONE_FREE}
#: What is typed last, and stands in no room's way.
_TYPED_LATER = {"title", "description", "organizer", "participants"}
#: What another tick cures takes no room away.
_NO_MATTER = {Code.CLOSED_NOT_RECORDED}
_OPEN = {"draft", "cancelled"}
#: Advisory locks of users have a number of their own beside them, so that they meet no form's.
_USERS = 7_301


@dataclass(frozen=True, slots=True)
class DraftState:
    """What became of a form's wish. `expires_at`: until when what could be held is held; None: nothing could.

    `held`: all of it is. `refusals`: why the rest is not, as the judge says it, without ways out.
    """

    expires_at: datetime | None
    held: bool
    refusals: tuple[Refusal, ...]


def hold_draft(request: BookingRequest, *, submission: uuid.UUID, user: User, now: datetime) -> DraftState:
    """Hold what the form asks for, in place of what it held before, and report what can't be held.

    Refuses nobody. Of one user's forms the newest few hold something (DRAFTS_PER_USER); a form that was sent, nothing.
    """
    if not SiteRoles.of(user).may_book_anything:
        return DraftState(None, held=False, refusals=())
    request = cleaned(request)
    try:
        return in_one_transaction(partial(_hold, request, submission=submission, user=user, now=now))
    except Refused as refused:
        # Too many wanted the same at this moment, or somebody wrote around the locks.
        return DraftState(None, held=False, refusals=refused.refusals)


def release_draft(submission: uuid.UUID, user: User) -> None:
    """Give up what the user's form holds: it was closed. Somebody else's form is left alone."""
    with transaction.atomic():
        _give_up(list(Draft.objects.filter(pk=submission, user=user).values_list("pk", flat=True)))


def forget_drafts(now: datetime) -> int:
    """Delete drafts whose time is over, and return how many. Nobody waits for it: it only keeps the tables small."""
    with transaction.atomic():
        # Those of cancellations end in their own way (`undo_window`).
        gone = list(Draft.objects.filter(expires_at__lte=now, cancelled=None).values_list("pk", flat=True))
        _give_up(gone)
    return len(gone)


def _hold(request: BookingRequest, *, submission: uuid.UUID, user: User, now: datetime) -> DraftState:
    _lock_form(submission, user)
    if Booking.objects.filter(submission=submission).exists():
        return DraftState(None, held=False, refusals=())
    locked = locks.lock_for(request)
    temporary.drop_expired(room_ids=locked.rooms, equipment_ids=locked.movable, now=now)
    temporary.give_up(submissions=[submission])
    if surplus := _surplus(user, submission):
        _give_up(surplus)
    assessment = availability.assess(request, by=user, now=now, locked=locked, draft=submission)
    if rivals := _own_rivals(assessment.refusals, user):
        _give_up(rivals)
        assessment = availability.assess(request, by=user, now=now, locked=locked, draft=submission)
    licence_refusals.log(request, assessment.refusals, by=user, now=now, submission=submission)
    in_the_way = [
        item for item in assessment.refusals if item.form_field not in _TYPED_LATER and item.code not in _NO_MATTER
    ]
    wanted = [] if any(_stops_everything(item) for item in in_the_way) else _wanted(request, assessment, in_the_way)
    if not wanted:
        _give_up([submission])
        return DraftState(None, held=False, refusals=assessment.refusals)
    expires_at = now + timedelta(minutes=settings.DRAFT_MINUTES)
    draft = Draft(submission=submission, user=user, created_at=now, expires_at=expires_at)
    Draft.objects.bulk_create(
        [draft], update_conflicts=True, unique_fields=["submission"], update_fields=["expires_at"]
    )
    temporary.hold(wanted, until=expires_at, draft=draft, offer=None)
    return DraftState(expires_at, held=not in_the_way, refusals=assessment.refusals)


def _lock_form(submission: uuid.UUID, user: User) -> None:
    """Let one form wait for itself, and then one user's forms for each other; `book` takes the first of the two."""
    with connection.cursor() as cursor:
        both = "SELECT pg_advisory_xact_lock(%s), pg_advisory_xact_lock(%s, %s)"
        cursor.execute(both, [submission.int % 2**63, _USERS, user.pk % 2**31])


def _surplus(user: User, submission: uuid.UUID) -> list[uuid.UUID]:
    """Return the user's oldest other forms, of which too many hold something."""
    others = Draft.objects.filter(user=user, cancelled=None).exclude(pk=submission).order_by("-expires_at", "pk")
    return list(others.values_list("pk", flat=True)[settings.DRAFTS_PER_USER - 1 :])


def _own_rivals(refusals: Iterable[Refusal], user: User) -> list[uuid.UUID]:
    """Return the user's other forms that hold what this one wants: left behind in another tab. The newest form wins.

    So does it over what the user has just cancelled: whoever books in its place will not undo it.
    """
    near = Q()
    for item in refusals:
        if item.holder is not None and item.holder.kind in _OPEN and item.interval is not None:
            near |= Q(room=item.room_id, period__overlap=as_range(item.interval))
    if not near:
        return []
    return list(RoomHold.objects.filter(near, draft__user=user).values_list("draft", flat=True).distinct())


def _stops_everything(refusal: Refusal) -> bool:
    """Say whether the refusal is about the form as a whole: a pattern that gives no dates, too many rooms."""
    return refusal.on is None and refusal.code not in _ONE_ROOM | _ONE_KIND


def _wanted(request: BookingRequest, assessment: Assessment, in_the_way: Sequence[Refusal]) -> list[Wanted]:
    by_date: dict[date, list[Refusal]] = {}
    for refusal in in_the_way:
        for meeting in assessment.meetings:
            if refusal.on in (None, meeting.on):
                by_date.setdefault(meeting.on, []).append(refusal)
    found = [
        wanted_by(request, assessment, meeting, without=by_date.get(meeting.on, ())) for meeting in assessment.meetings
    ]
    return [item for item in found if item is not None and not item.is_empty]


def wanted_by(
    request: BookingRequest, assessment: Assessment, meeting: PlannedMeeting, *, without: Iterable[Refusal] = ()
) -> Wanted | None:
    """Return what the meeting would hold, `without` what is refused; None where its time is, or every room."""
    refused = list(without)
    codes = {refusal.code for refusal in refused}
    if codes - _ONE_ROOM - _ONE_KIND:
        return None
    refused_rooms = {refusal.room_id for refusal in refused if refusal.code in _ONE_ROOM}
    rooms = tuple(room for room in meeting.rooms if room.pk not in refused_rooms)
    if meeting.rooms and not rooms:
        # Not a licence for a session that has nowhere to be: others could use it.
        return None
    takes = assessment.takes.get(meeting.on, ())
    return Wanted(
        meeting.interval,
        rooms,
        () if Code.LICENCE_NONE_FREE in codes else takes,
        {} if Code.EQUIPMENT_NONE_FREE in codes else dict(request.wishes.movable),
    )


def _give_up(submissions: Sequence[uuid.UUID]) -> None:
    temporary.give_up(submissions=submissions)
    forms = Draft.objects.filter(pk__in=submissions, cancelled=None)
    forms.filter(room_holds=None, licence_holds=None, equipment_holds=None).delete()
