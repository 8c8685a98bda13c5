"""Tells who has to know of alarms: when one begins, again while it lasts, and when it is over.

What may have stopped the mail is told past the outbox, over each of our mail servers in turn; what that does not reach
is queued as well. At least once: a process that dies while it tells leaves it to the next, `TELLING` later.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Q
from django.utils import translation

from integrations.ical.render import Person as Mailbox
from notifications import wake
from notifications.alarms import ways
from notifications.alarms.kinds import stops_mail
from notifications.alarms.people import Person, people_to_tell
from notifications.compose import Mail, compose_told
from notifications.compose import alarm as words
from notifications.compose.mime import Unmailable
from notifications.models import Alarm, MailRoute, Message

logger = logging.getLogger(__name__)

#: While it lasts: twice in a working day, so that nobody thinks it is over.
AGAIN_AFTER = timedelta(hours=6)
#: Longer than telling takes at worst: two servers that hang at every step, and the hook.
TELLING = timedelta(minutes=5)
#: When it is not sure that it reached anybody.
TRY_AGAIN_AFTER = timedelta(minutes=3)
#: What ended longer ago than this is no news.
END_IS_NEWS_FOR = timedelta(days=1)

HOOK, QUEUE = "hook", "queue"
Kind, State = Message.Kind, Message.State


@dataclass(frozen=True, slots=True)
class Reached:
    """`ways`: those that worked. `is_sure`: somebody was reached, or nothing stands in the way of what is queued."""

    ways: tuple[str, ...]
    is_sure: bool


def tell_due(now: datetime) -> None:
    """Tell what is due. Any number may do so at once: each alarm is told by one."""
    due = list(Alarm.objects.filter(_due(now)).order_by("pk"))
    if not due:
        return
    is_ill = any(stops_mail(kind) for kind in Alarm.objects.filter(closed_at=None).values_list("kind", flat=True))
    people = people_to_tell()
    for alarm in due:
        if Alarm.objects.filter(_due(now), pk=alarm.pk).update(telling_until=now + TELLING):
            reached = _tell(alarm, people, now, is_queue_ill=is_ill or stops_mail(alarm.kind))
            _note(alarm, reached, now)


def _due(now: datetime) -> Q:
    begins = Q(closed_at=None) & (Q(told_at=None) | Q(told_at__lte=now - AGAIN_AFTER))
    ends = Q(closed_at__gt=now - END_IS_NEWS_FOR, told_at__isnull=False, end_told_at=None)
    return (begins | ends) & (Q(telling_until=None) | Q(telling_until__lte=now))


def _tell(alarm: Alarm, people: Sequence[Person], now: datetime, *, is_queue_ill: bool) -> Reached:
    names = {person.user_id: _once(alarm, person) for person in people if person.user_id is not None}
    rows = dict(Message.objects.filter(once__in=names.values()).values_list("user_id", "state"))
    # Told by an earlier try already, or just now by the worker.
    told = [user_id for user_id, state in rows.items() if state in {State.SENT, State.SENDING}]
    left = [person for person in people if person.user_id not in told]
    taken = send_directly(
        alarm, [person for person in left if is_queue_ill or person.user_id is None], now, over=_servers_in_order()
    )
    _supersede(alarm, [person.user_id for person in people if person.address in taken])
    queued = [person for person in left if person.address not in taken and person.user_id is not None]
    _queue(alarm, queued, now)
    hook = ways.call_hook(text_of(alarm, now))
    worked = (*sorted(set(taken.values())), *([HOOK] if hook else []), *([QUEUE] if queued or rows else []))
    logger.error(
        "Alarm %s %s: %s told directly, %s by the outbox, hook %s.",
        alarm.kind,
        "is over" if alarm.closed_at else "is open",
        len(taken),
        len(queued) + len(told),
        "called" if hook else "not called",
    )
    is_nobody = not people and not settings.ALARM_WEBHOOK_URL
    is_sure = bool(taken or hook or State.SENT in rows.values() or (queued and not is_queue_ill) or is_nobody)
    return Reached(worked, is_sure)


def send_directly(alarm: Alarm, people: Sequence[Person], now: datetime, *, over: Sequence[str]) -> dict[str, str]:
    """Mail these people past the outbox; return by address which server took it. Asks the database for nothing."""
    mails: list[Mail] = []
    for person in people:
        with translation.override(person.language):
            said = words.tell(alarm, zone=person.zone, now=now)
        try:
            to = Mailbox(person.address, person.name)
            mails.append(compose_told(said, to, language=person.language, now=now))
        except Unmailable:
            logger.warning("An address that alarms should go to can't stand in a mail.")
    return ways.send(mails, over=over)


def text_of(alarm: Alarm, now: datetime) -> str:
    """Return what the hook is told, in the office's language."""
    with translation.override(settings.LANGUAGE_CODE):
        return words.in_one_text(alarm, zone=ZoneInfo(settings.TIME_ZONE), now=now)


def _servers_in_order() -> list[str]:
    """Those that are known to be down come last: they may be up again, but nobody waits for them first."""
    down = set(MailRoute.objects.filter(down_since__isnull=False).values_list("name", flat=True))
    return sorted(ways.servers(), key=lambda name: name in down)


def _once(alarm: Alarm, person: Person) -> str:
    return f"alarm:{alarm.pk}:{person.user_id}:{'end' if alarm.closed_at else alarm.times_told}"


def _queue(alarm: Alarm, people: Sequence[Person], now: datetime) -> None:
    """Write rows that say what is so when they are sent. What nobody got to send until the next telling is dropped."""
    if alarm.closed_at is not None:
        # One mail that says that it was and is over is enough.
        _supersede(alarm, [person.user_id for person in people], but_for="end")
    rows = [
        Message(
            kind=Kind.ALARM,
            user_id=person.user_id,
            recipient=person.address,
            topic=words.TOPIC,
            data={"alarm": alarm.pk, "is_over": alarm.closed_at is not None},
            once=_once(alarm, person),
            priority=Message.Priority.URGENT,
            due_at=now,
            give_up_at=now + AGAIN_AFTER,
            created_at=now,
        )
        for person in people
    ]
    if rows:
        Message.objects.bulk_create(rows, ignore_conflicts=True)
        wake.worker_on_commit()


def _supersede(alarm: Alarm, user_ids: Sequence[int | None], *, but_for: str = "") -> None:
    waiting = Message.objects.filter(kind=Kind.ALARM, data__alarm=alarm.pk, state__in=Message.WAITING)
    waiting = waiting.filter(user__in=[user_id for user_id in user_ids if user_id is not None])
    if but_for:
        waiting = waiting.exclude(once__endswith=f":{but_for}")
    waiting.update(state=State.SUPERSEDED)


def _note(alarm: Alarm, reached: Reached, now: datetime) -> None:
    """Write down who was reached how; what is not sure is tried again soon."""
    values: Mapping[str, object] = {
        "told_by": [*alarm.told_by, *(way for way in reached.ways if way not in alarm.told_by)],
        "telling_until": None if reached.is_sure else now + TRY_AGAIN_AFTER,
    }
    if reached.is_sure and alarm.closed_at is not None:
        values = {**values, "end_told_at": now}
    elif reached.is_sure:
        values = {**values, "told_at": now, "times_told": F("times_told") + 1}
    Alarm.objects.filter(pk=alarm.pk).update(**values)
