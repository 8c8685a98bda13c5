"""What IT admins are told of an alarm: what is ill, since when, what it means, and what to look at first.

The same words stand in mails, in the hook's text and on the page of the state. Asks the database for nothing: it may be
what is ill.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings import wording
from notifications.alarms.kinds import Thing, thing_of, which_of
from notifications.compose.job_words import job_label
from notifications.compose.notice_parts import NothingToSay, Row, Told
from notifications.models import Alarm

#: In `Message.topic`.
TOPIC = "alarm"


@dataclass(frozen=True, slots=True)
class Words:
    """`title`: what is ill. `means`: what comes of it. `steps`: what to do first."""

    title: str
    means: str
    steps: str


def told(row: Row) -> Told:
    """Say what a row of the outbox says of its alarm as it is now. Raises: NothingToSay when it is gone."""
    found = Alarm.objects.filter(pk=row.key("alarm")).first()
    if found is None:
        raise NothingToSay
    return tell(found, zone=row.zone, now=row.now)


def tell(alarm: Alarm, *, zone: ZoneInfo, now: datetime) -> Told:
    """Say it in the active language, as of something that is over once it is. Asks nothing of the database."""
    words = words_of(alarm)
    is_over = alarm.closed_at is not None
    said = alarm.facts.get("words", "")
    return Told(
        kicker=_("The alarm is over") if is_over else pgettext("kicker of a mail", "Alarm"),
        title=words.title,
        facts=(_when(alarm, zone), "" if is_over else _waiting(alarm)),
        paragraphs=(
            _("this has been well again for some minutes. There is nothing left to do.") if is_over else words.means,
            pgettext("of an error", "The last words: “%(words)s”") % {"words": said} if said and not is_over else "",
            "" if is_over else words.steps,
        ),
        button=_("Open the state of the service"),
        url=reverse("service_state"),
    )


def in_one_text(alarm: Alarm, *, zone: ZoneInfo, now: datetime) -> str:
    """Return the same as plain text of a few lines, for chat."""
    said = tell(alarm, zone=zone, now=now)
    lines = [f"{said.kicker}: {said.title}", *filter(None, said.facts), *filter(None, said.paragraphs)]
    return "\n".join([*lines, settings.BASE_URL + said.url])


def words_of(alarm: Alarm) -> Words:
    return _WORDS[thing_of(alarm.kind)](which_of(alarm.kind), alarm.facts)


def since_of(alarm: Alarm) -> datetime:
    """Return since when it is so, aware: before it was an alarm."""
    return datetime.fromisoformat(alarm.facts["since"]) if alarm.facts.get("since") else alarm.opened_at


def _when(alarm: Alarm, zone: ZoneInfo) -> str:
    since = since_of(alarm).astimezone(zone)
    values = {"since": f"{wording.short_date(since.date())}, {wording.clock(since)}"}
    if alarm.closed_at is None:
        return _("Since %(since)s") % values
    until = alarm.closed_at.astimezone(zone)
    return _("From %(since)s until %(until)s") % {
        **values,
        "until": f"{wording.short_date(until.date())}, {wording.clock(until)}",
    }


def _waiting(alarm: Alarm) -> str:
    count = alarm.facts.get("waiting")
    if not count:
        return ""
    return ngettext("%(count)d mail waits", "%(count)d mails wait", count) % {"count": count}


def _mail_server(which: str, facts: dict[str, Any]) -> Words:
    is_second, servers, down = which == "second", facts.get("servers", 1), facts.get("down", 1)
    setting = "EMAIL_FALLBACK_URL" if is_second else "EMAIL_URL"
    if servers == 1:
        title = _("The mail server takes no mail")
    else:
        title = _("The second mail server takes no mail") if is_second else _("The first mail server takes no mail")
    if down < servers:
        means = _("mail goes out over the other server meanwhile, and no mail is late.")
    else:
        means = _("mail waits until a server takes it again. No mail is lost, but people learn of changes late.")
    steps = _(
        "Look whether the server runs and can be reached from here, and whether address, name and password in "
        "%(setting)s are right. The page of the state sends a test mail."
    )
    return Words(title, means, steps % {"setting": setting})


def _mail_waits(_which: str, _facts: dict[str, Any]) -> Words:
    return Words(
        _("Mail leaves late"),
        _("mail that was due at that time has not left, though the mail servers take mail as far as we know."),
        _("Look at the table of jobs on the page of the state: does the delivery run? If not, restart the worker."),
    )


def _mail_fails(_which: str, facts: dict[str, Any]) -> Words:
    means = _("of %(total)d mails of the last hour %(failed)d were given up. Their recipients know nothing of it.")
    return Words(
        _("Many mails are not delivered"),
        means % {"total": facts.get("total", 0), "failed": facts.get("failed", 0)},
        _("Look at the list of mails in the state “not delivered”: it shows what the servers said."),
    )


def _mail_fetch(_which: str, _facts: dict[str, Any]) -> Words:
    return Words(
        _("Incoming mail can't be fetched"),
        _("answers to invitations and mail to rooms stay in the mailbox. No mail is lost."),
        _("Look whether the IMAP server can be reached and whether name and password in IMAP_URL are right."),
    )


def _mail_inbox(_which: str, _facts: dict[str, Any]) -> Words:
    return Words(
        _("Incoming mail is not handled"),
        _("answers to invitations have come and are not counted yet."),
        _("Look at the table of jobs on the page of the state, and at the worker's log."),
    )


def _worker(_which: str, _facts: dict[str, Any]) -> Words:
    return Words(
        _("The worker gives no sign of life"),
        _("no mail leaves, no reminder is written, and no conference is looked after. All of it is made up for later."),
        _("Look whether worker and beat run and whether they reach the broker; restart them. Their logs say more."),
    )


def _web(_which: str, _facts: dict[str, Any]) -> Words:
    return Words(
        _("The pages give no sign of life"),
        _("it seems that nobody can open Narada or enter a conference. Mail goes on."),
        _("Look whether gunicorn runs, and restart it. Its log says more."),
    )


def _database(_which: str, _facts: dict[str, Any]) -> Words:
    return Words(
        _("The database can't be reached"),
        _("nobody can open Narada or enter a conference, and no mail leaves. What was booked before is safe."),
        _("Look whether PostgreSQL runs, whether its disk is full, and whether DATABASE_URL leads to it."),
    )


def _job(which: str, facts: dict[str, Any]) -> Words:
    label = {"job": job_label(which)}
    match facts.get("state"):
        case "fails":
            means = ngettext(
                "its last %(count)d run failed.", "its last %(count)d runs failed.", facts.get("failures", 0)
            ) % {"count": facts.get("failures", 0)}
            return Words(
                _("This job fails: %(job)s") % label,
                means,
                _("The worker's log has the whole error. Restarting seldom helps."),
            )
        case "endless":
            return Words(
                _("This job does not end: %(job)s") % label,
                _("it has been running since then, and nobody else does it meanwhile."),
                _("Restart the worker. Its log says what it does."),
            )
        case _:
            return Words(
                _("This job does not run: %(job)s") % label,
                _("it was due then and has not begun since, while the worker does other jobs."),
                _("Look at the worker's log. A worker of an older version does not know new jobs: restart it."),
            )


def _webhook(_which: str, facts: dict[str, Any]) -> Words:
    if facts.get("is_off"):
        means = _("it switched itself off. What happens to sessions from then on, its receiver never hears of.")
    else:
        means = _(
            "its receiver has taken no call since then. Calls are repeated for two days; then it is switched off."
        )
    return Words(
        _("A webhook takes no calls: %(name)s") % {"name": facts.get("name", "")},
        means,
        _("Look at the receiver, then at the page of the webhook: try a call there, and switch it on or off."),
    )


def _conferences(_which: str, facts: dict[str, Any]) -> Words:
    if facts.get("is_last"):
        means = _("no other conference server answers either, so nobody can enter a conference. Rooms stay booked.")
    else:
        means = _("meetings that have not begun go to another conference server meanwhile.")
    return Words(
        _("A conference server does not answer: %(name)s") % {"name": facts.get("name", "")},
        means,
        _("The page of conferences says which of its parts do not answer. Look whether they run and can be reached."),
    )


def _clock(which: str, facts: dict[str, Any]) -> Words:
    means = _("it and the database are %(seconds)d seconds apart. Links may open too early or too late.")
    return Words(
        _("Clocks differ: %(machine)s") % {"machine": which},
        means % {"seconds": abs(facts.get("seconds", 0))},
        _("Let both follow a time server (chrony, systemd-timesyncd)."),
    )


def _disk(which: str, facts: dict[str, Any]) -> Words:
    return Words(
        _("The disk is nearly full: %(machine)s") % {"machine": which},
        _("%(free)d MB are left where Narada keeps its files. A database on a full disk stops.")
        % {"free": facts.get("free_mb", 0)},
        _("Make room, or give it a larger disk. Logs and old backups are what grows most."),
    )


_WORDS: dict[Thing, Callable[[str, dict[str, Any]], Words]] = {
    Thing.MAIL_SERVER: _mail_server,
    Thing.MAIL_WAITS: _mail_waits,
    Thing.MAIL_FAILS: _mail_fails,
    Thing.MAIL_FETCH: _mail_fetch,
    Thing.MAIL_INBOX: _mail_inbox,
    Thing.WORKER: _worker,
    Thing.WEB: _web,
    Thing.DATABASE: _database,
    Thing.JOB: _job,
    Thing.WEBHOOK: _webhook,
    Thing.CONFERENCES: _conferences,
    Thing.CLOCK: _clock,
    Thing.DISK: _disk,
}
