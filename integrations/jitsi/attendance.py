"""Keeps what servers tell of who came and went, and has meetings begin and end with it.

What is told is written in one transaction, under a lock of the conference's name on its server. What follows for the
meeting comes after it, in one of its own: lost there, the next event or the clock (`reconcile`) makes up for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Concat

from bookings import services
from bookings.models import Attendee, ConferenceRun, Occurrence
from integrations.jitsi.events import Kind, News
from integrations.jitsi.ledger import Ledger, Stay, recount
from integrations.jitsi.models import Conference, ConferenceServer, Presence
from integrations.jitsi.window import meeting_named, tenant_and_room

logger = logging.getLogger(__name__)

#: A conference that is empty for less than this may be somebody's reload; Prosody repeats what failed within seconds.
SETTLED_AFTER = timedelta(seconds=30)
#: How long addresses of connections are kept after a conference closed.
ADDRESSES_KEPT = timedelta(days=1)
_FORGET_AT_ONCE = 1000
#: Openings that closed so long before an event happened have nothing to do with it.
_LATE = timedelta(minutes=15)
_OPENINGS_AT_MOST = 20
_TOLD_EVERY = timedelta(seconds=10)
_ATTEMPTS = 3
_OPENING_FIELDS = (
    "opened_at",
    "created_there_at",
    "destroyed_there_at",
    "first_joined_at",
    "seen_at",
    "people_now",
    "people_peak",
    "empty_since",
    "closed_at",
    "closed_by",
    "occurrence_id",
)
_PRESENCE_FIELDS = ("conference_id", "attendee_id", "joined_at", "left_at", "left_is_guess")


def take_in(server: ConferenceServer, news: News, *, now: datetime) -> None:
    """Take in one event: in any order, once or more often."""
    _note_told(server, now=now)
    # When a breakout room was made says nothing that its first guest does not say.
    if news.is_breakout and not news.stays:
        return
    openings = _again_when_opened_meanwhile(server, news, now=now)
    for pk in {opening.occurrence_id for opening in openings}:
        if pk is not None:
            settle_meeting(pk, now=now)
    close_unplanned(openings, now=now)


def _note_told(server: ConferenceServer, *, now: datetime) -> None:
    if server.told_at is None or server.told_at <= now - _TOLD_EVERY:
        is_old = Q(told_at=None) | Q(told_at__lte=now - _TOLD_EVERY)
        ConferenceServer.objects.filter(is_old, pk=server.pk).update(told_at=now)


def _again_when_opened_meanwhile(server: ConferenceServer, news: News, *, now: datetime) -> list[Conference]:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _write(server, news, now=now)
        except IntegrityError:
            # The server asked for it in this very moment, so that there is one by now.
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _write(server: ConferenceServer, news: News, *, now: datetime) -> list[Conference]:
    lock_name(server, news.name)
    ledger = load(server, news.name, around=min(news.earliest_at or now, now))
    stays = _of_this_booking(news)
    if news.kind is Kind.DESTROYED and not news.is_breakout and news.created_at and news.destroyed_at:
        ledger.note_destroyed(news.created_at, news.destroyed_at, stays, now=now)
    elif news.kind is Kind.CREATED and news.created_at:
        ledger.note_created(news.created_at, now=now)
    else:
        for stay in stays:
            ledger.note_stay(stay, now=now)
    ledger.settle(now=now)
    find_meetings(ledger.openings, now=now)
    save(server, ledger)
    return ledger.openings


def lock_name(server: ConferenceServer, name: str) -> None:
    """Let nobody else write of this conference until the transaction ends: there may be no row yet to lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [server.pk, name])


def load(server: ConferenceServer, name: str, *, around: datetime) -> Ledger:
    """Read what is known of the conference around a time, under its lock: two queries."""
    lately = Q(closed_at=None) | Q(closed_at__gte=around - _LATE)
    found = Conference.objects.select_for_update(no_key=True, of=("self",)).filter(lately, server=server, name=name)
    openings = {opening.pk: opening for opening in found.order_by("-opened_at", "-pk")[:_OPENINGS_AT_MOST]}
    presences = list(Presence.objects.filter(conference__in=openings).order_by("pk"))
    for presence in presences:
        presence.conference = openings[presence.conference_id]
    ledger = Ledger(name, list(openings.values()), presences)
    _remember([*ledger.openings, *presences])
    return ledger


def save(server: ConferenceServer, ledger: Ledger) -> None:
    """Write what became different: what closed first, since one at a time is open."""
    dropped = [opening.pk for opening in ledger.dropped if opening.pk]
    if dropped:
        gone = {"closed_at": F("opened_at"), "closed_by": Conference.Closed.REPLACED}
        Conference.objects.filter(pk__in=dropped, closed_at=None).update(**gone)
    for opening in sorted(ledger.openings, key=lambda one: one.closed_at is None):
        if opening.pk is None:
            opening.server = server
            opening.save()
        elif _differs(opening):
            opening.save(update_fields=_OPENING_FIELDS)
    for presence in ledger.presences:
        presence.conference_id = presence.conference.pk
    known = [presence for presence in ledger.presences if presence.pk is not None]
    Presence.objects.bulk_create([presence for presence in ledger.presences if presence.pk is None])
    if changed := [presence for presence in known if _differs(presence)]:
        Presence.objects.bulk_update(changed, _PRESENCE_FIELDS)
    if dropped:
        Conference.objects.filter(pk__in=dropped).delete()


def _remember(rows: Iterable[Conference | Presence]) -> None:
    for row in rows:
        row.__dict__["_as_read"] = _values(row)


def _differs(row: Conference | Presence) -> bool:
    return bool(row.__dict__.get("_as_read") != _values(row))


def _values(row: Conference | Presence) -> tuple[object, ...]:
    names = _OPENING_FIELDS if isinstance(row, Conference) else _PRESENCE_FIELDS
    return tuple(getattr(row, name) for name in names)


def find_meetings(openings: Iterable[Conference], *, now: datetime) -> None:
    """Find out of which meeting conferences are that are of none so far: of the one whose window held them."""
    for opening in openings:
        if opening.occurrence_id is None and opening.unplanned_id is None:
            at = now if opening.closed_at is None else opening.first_joined_at or opening.opened_at
            window = meeting_named(opening.name, now=at)
            if window is not None and window.holds(at):
                opening.occurrence = window.occurrence


def _of_this_booking(news: News) -> list[Stay]:
    """Return the stays, with the participants of this conference's booking alone: what else a token says is nothing."""
    told = {stay.person for stay in news.stays if stay.person is not None}
    ours: set[int] = set()
    if told:
        room = tenant_and_room(news.name)[1]
        found = Attendee.objects.filter(pk__in=told, booking__conference_name=room)
        ours = set(found.values_list("pk", flat=True))
    return [stay if stay.person in ours else _unknown(stay) for stay in news.stays]


def _unknown(stay: Stay) -> Stay:
    return Stay(stay.jid, stay.joined_at, stay.left_at, stay.is_breakout)


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which somebody was in the meeting's conference, None: is in it. `peak`: the most at once."""

    begins_at: datetime
    ends_at: datetime | None
    peak: int


def settle_meeting(pk: int, *, now: datetime) -> None:
    """Have the meeting begin when somebody came and end when the last one left, unless that is noted already."""
    spans = spans_of(pk)
    if not spans:
        return
    meeting = Occurrence.objects.select_related("booking").get(pk=pk)
    last = meeting.conference_runs.order_by("-started_at").first()
    for number, span in enumerate(spans, 1):
        if last is not None and last.ended_at is not None and span.ends_at and span.ends_at <= last.ended_at:
            continue
        if last is None or last.ended_at is not None:
            begins_at = span.begins_at if last is None or last.ended_at is None else max(span.begins_at, last.ended_at)
            last = _started(meeting, begins_at, now=now)
            if last is None:
                return
        is_over = span.ends_at is not None and (number < len(spans) or span.ends_at <= now - SETTLED_AFTER)
        if is_over and span.ends_at is not None and last.started_at <= span.ends_at:
            last = services.record_ended(last, span.ends_at, now=now, people_peak=span.peak or None) or last


def _started(meeting: Occurrence, at: datetime, *, now: datetime) -> ConferenceRun | None:
    try:
        return services.record_started(meeting, at, now=now)
    except services.Refused as refused:
        # The session's page says so, and what holds no licence is ended by `limits`.
        logger.warning("Meeting %s runs without what it needs: %s", meeting.pk, refused)
        return None


def spans_of(pk: int) -> list[Span]:
    """Return when somebody was in the meeting's conference, by time; gaps of a reload are none. Two queries."""
    conferences = list(Conference.objects.filter(occurrence=pk).order_by("opened_at"))
    stays: dict[int, list[Presence]] = {conference.pk: [] for conference in conferences}
    for presence in Presence.objects.filter(conference__in=conferences).order_by("joined_at"):
        stays[presence.conference_id].append(presence)
    found = [span for conference in conferences for span in _spans(conference, stays[conference.pk])]
    return _merged(sorted(found, key=lambda span: span.begins_at))


def _spans(conference: Conference, stays: Sequence[Presence]) -> list[Span]:
    found = [Span(stay.joined_at, stay.left_at, conference.people_peak) for stay in stays]
    if conference.first_joined_at and all(stay.left_at for stay in stays) and (not stays or conference.people_now):
        # Known by the census alone: nobody told us of them, or told us wrongly that they had left.
        begins_at = max((stay.left_at for stay in stays if stay.left_at), default=conference.first_joined_at)
        found.append(Span(begins_at, conference.empty_since, conference.people_peak))
    return found


def _merged(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in spans:
        before = found[-1] if found else None
        if before is not None and (before.ends_at is None or span.begins_at < before.ends_at + SETTLED_AFTER):
            is_open = before.ends_at is None or span.ends_at is None
            ends_at = None if is_open else max(filter(None, [before.ends_at, span.ends_at]))
            found[-1] = Span(before.begins_at, ends_at, max(before.peak, span.peak))
        else:
            found.append(span)
    return found


def close_unplanned(openings: Iterable[Conference], *, now: datetime) -> None:
    """Give the licence of an unplanned conference back that is closed."""
    for opening in openings:
        unplanned = opening.unplanned
        if unplanned is not None and unplanned.ended_at is None and opening.closed_at is not None:
            at = opening.empty_since or opening.closed_at
            services.close_unplanned(unplanned, at, now=now, people_peak=opening.people_peak or None)


def close(conference: Conference, at: datetime, *, by: Conference.Closed, now: datetime) -> None:
    """Close a conference of which the server says, or we found out, that it is gone; who is in it left then.

    Closed already, it stays as it is. What its meeting ends with follows within a minute (`reconcile`).
    """
    with transaction.atomic():
        lock_name(conference.server, conference.name)
        found = Conference.objects.select_for_update(no_key=True, of=("self",)).get(pk=conference.pk)
        if found.closed_at is None:
            found.closed_at, found.closed_by = max(found.opened_at, min(at, now)), by
            _recount(found)
    close_unplanned([found], now=now)


def recount_closed(pk: int) -> None:
    """Let whoever is still in a closed conference have left when it was closed."""
    with transaction.atomic():
        found = Conference.objects.select_for_update(no_key=True, of=("self",)).get(pk=pk)
        if found.closed_at is not None:
            _recount(found)


def _recount(conference: Conference) -> None:
    presences = list(conference.presences.order_by("pk"))
    recount(conference, presences)
    conference.save(update_fields=["closed_at", "closed_by", *_COUNTED])
    Presence.objects.bulk_update(presences, ["left_at", "left_is_guess"])


_COUNTED = ("first_joined_at", "people_now", "people_peak", "empty_since")


def forget_addresses(now: datetime) -> int:
    """Forget the addresses of connections a day after their conference closed; return of how many conferences.

    They are random, and needed for messages into a conference and to know repeated news; afterwards for nothing. That
    stays were of the same connection stays known, and who came when, with the participant.
    """
    old = Conference.objects.filter(closed_at__lt=now - ADDRESSES_KEPT)
    kept = Presence.objects.filter(occupant_jid__contains="@", conference=OuterRef("pk"))
    found = list(
        old.filter(~Q(asked_by="") | Exists(kept)).order_by("pk").values_list("pk", flat=True)[:_FORGET_AT_ONCE]
    )
    with transaction.atomic():
        Conference.objects.filter(pk__in=found).update(asked_by="")
        same = Presence.objects.filter(conference=OuterRef("conference"), occupant_jid=OuterRef("occupant_jid"))
        first = Subquery(same.order_by("pk").values("pk")[:1])
        with_address = Presence.objects.filter(conference__in=found, occupant_jid__contains="@")
        with_address.update(occupant_jid=Concat(Value("#"), Cast(first, CharField())))
    return len(found)
