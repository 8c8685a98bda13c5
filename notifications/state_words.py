"""What the page of the state says, in the reader's language and time zone. A state is a word, never a colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from bookings.templatetags.moments import moment
from notifications.alarms import telling, ways
from notifications.alarms.finding import SILENT
from notifications.alarms.jobs_found import FAILS_IN_A_ROW, is_running
from notifications.compose import alarm as alarm_words
from notifications.compose.job_words import job_label
from notifications.jobs import schedule
from notifications.models import Alarm, Job, MailDomain, Message
from notifications.state import Server, State
from notifications.when_words import span

_WAYS = {
    ways.FIRST: gettext_lazy("first mail server"),
    ways.SECOND: gettext_lazy("second mail server"),
    telling.HOOK: gettext_lazy("hook"),
    telling.QUEUE: gettext_lazy("outbox"),
}

_ILL_FIRST = {"danger": 0, "warn": 1}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state in a line. `kind`: of a notice."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Figure:
    number: int
    label: str
    detail: str
    css: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """`until` is empty while it is open."""

    title: str
    since: str
    until: str
    told: str
    means: str
    words: str
    steps: str


@dataclass(frozen=True, slots=True)
class ServerCard:
    name: str
    title: str
    state: str
    tag: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class QueueRow:
    state: str
    priority: str
    count: int
    oldest: str


@dataclass(frozen=True, slots=True)
class DomainRow:
    name: str
    until: str
    words: str


@dataclass(frozen=True, slots=True)
class JobRow:
    label: str
    name: str
    every: str
    state: str
    tag: str
    last: str
    took: str
    late_by: str
    error: str


@dataclass(frozen=True, slots=True)
class Shown:
    verdict: Verdict
    alarms: tuple[AlarmRow, ...]
    figures: tuple[Figure, ...]
    servers: tuple[ServerCard, ...]
    queues: tuple[QueueRow, ...]
    domains: tuple[DomainRow, ...]
    jobs: tuple[JobRow, ...]
    around: tuple[tuple[str, str], ...]
    past: tuple[AlarmRow, ...]


class Speaker:
    """Says one state to one reader."""

    def __init__(self, state: State, *, zone: ZoneInfo, now: datetime) -> None:
        self._state, self._zone, self._now = state, zone, now

    def shown(self) -> Shown:
        state = self._state
        jobs = sorted(
            (self._job(name, slots) for name, slots in state.jobs.items()),
            # What is ill stands on top; the rest as in the schedule.
            key=lambda job: _ILL_FIRST.get(job.tag, len(_ILL_FIRST)),
        )
        servers = tuple(self._server(server) for server in state.servers)
        return Shown(
            verdict=self._verdict(jobs),
            alarms=tuple(self._alarm(alarm) for alarm in state.alarms),
            figures=self._figures(),
            servers=servers,
            queues=tuple(
                QueueRow(
                    str(Message.State(queue.state).label),
                    str(Message.Priority(queue.priority).label),
                    queue.count,
                    self._at(queue.oldest_at),
                )
                for queue in state.queues
            ),
            domains=tuple(self._domain(domain) for domain in state.domains),
            jobs=tuple(jobs),
            around=self._around(),
            past=tuple(self._alarm(alarm) for alarm in state.past),
        )

    def _verdict(self, jobs: Sequence[JobRow]) -> Verdict:
        if count := len(self._state.alarms):
            text = ngettext("%(count)d alarm is open.", "%(count)d alarms are open.", count) % {"count": count}
            return Verdict(text, "danger")
        ill = [_("the worker is silent")] if self._is_silent(self._state.worker_seen) else []
        ill += [_("a mail server takes no mail")] if any(server.down_since for server in self._state.servers) else []
        ill += [_("mail leaves late")] if self._state.figures.late_since else []
        ill += [
            _("the conference server %(name)s does not answer") % {"name": down.server.name}
            for down in self._state.conferences_down
        ]
        ill += [_("a job is late or fails")] if any(job.tag in {"warn", "danger"} for job in jobs) else []
        if ill:
            words = _("Not all is well, but it has not lasted long enough for an alarm: %(what)s.")
            return Verdict(words % {"what": ", ".join(ill)}, "warn")
        return Verdict(_("All is well."), "ok")

    def _figures(self) -> tuple[Figure, ...]:
        figures = self._state.figures
        oldest = min((queue.oldest_at for queue in self._state.queues), default=None)
        late = figures.late_since
        return (
            Figure(
                figures.waiting,
                _("mails wait"),
                _("the oldest since %(when)s") % {"when": self._at(oldest)} if oldest else _("none is waiting"),
                css="figure--warn" if late else "",
            ),
            Figure(figures.sent, _("sent"), _("in the last hour")),
            Figure(
                figures.failed,
                pgettext("mail", "given up"),
                _("in the last hour or two"),
                css="figure--danger" if figures.failed else "",
                query="state=failed",
            ),
            Figure(
                self._state.doubted,
                _("may have arrived twice"),
                _("in the last day"),
                css="figure--warn" if self._state.doubted else "",
            ),
        )

    def _alarm(self, alarm: Alarm) -> AlarmRow:
        words = alarm_words.words_of(alarm)
        told = ", ".join(str(_WAYS.get(way, way)) for way in alarm.told_by)
        if alarm.told_at is not None:
            told = f"{self._at(alarm.told_at)} ({told})" if told else self._at(alarm.told_at)
        elif alarm.closed_at is None:
            told = _("not yet, it is tried again: %(ways)s") % {"ways": told} if told else _("not yet")
        return AlarmRow(
            title=words.title,
            since=self._at(alarm_words.since_of(alarm)),
            until=self._at(alarm.closed_at) if alarm.closed_at else "",
            told=told or _("nobody"),
            means=capfirst(words.means),
            words=alarm.facts.get("words", ""),
            steps=words.steps,
        )

    def _server(self, server: Server) -> ServerCard:
        row, title = server.row, _("First mail server") if server.name == ways.FIRST else _("Second mail server")
        if not server.address:
            where = (_("Where"), _("files under VAR_DIR, since no EMAIL_URL is set"))
            return ServerCard(server.name, _("Mail"), _("writes files"), "", (where,))
        facts = [(_("Where"), server.address)]
        if row is not None and row.last_sent_at is not None:
            facts.append((_("Took the last mail"), self._at(row.last_sent_at)))
        if row is not None and row.down_since is not None:
            facts.append((_("Since"), self._at(row.down_since)))
            facts.append((_("The last words"), row.last_error or "–"))
            return ServerCard(server.name, title, _("takes no mail"), "danger", tuple(facts))
        if row is None or row.last_sent_at is None:
            return ServerCard(server.name, title, _("not used yet"), "", tuple(facts))
        return ServerCard(server.name, title, _("takes mail"), "ok", tuple(facts))

    def _domain(self, domain: MailDomain) -> DomainRow:
        return DomainRow(domain.name, self._at(domain.paused_until or self._now), domain.last_error)

    def _job(self, name: str, slots: Sequence[Job]) -> JobRow:
        work = schedule.BY_NAME[name]
        begun = [slot for slot in slots if slot.started_at is not None]
        latest = max(begun, key=lambda slot: slot.started_at or self._now, default=None)
        failed = max((slot for slot in slots if slot.failures), key=lambda slot: slot.failures, default=None)
        state, tag = self._job_state(name, slots, latest)
        error = ""
        if failed is not None:
            count = {"count": failed.failures}
            times = ngettext("%(count)d time in a row", "%(count)d times in a row", failed.failures) % count
            error = f"{failed.last_error} ({times})"
        return JobRow(
            label=capfirst(job_label(name)),
            name=name,
            every=span(work.every),
            state=state,
            tag=tag,
            last=self._at(latest.started_at) if latest and latest.started_at else "–",
            took=span(latest.took) if latest and latest.took is not None else "–",
            late_by=span(latest.late_by) if latest and latest.late_by is not None else "–",
            error=error,
        )

    def _job_state(self, name: str, slots: Sequence[Job], latest: Job | None) -> tuple[str, str]:
        if latest is None:
            return _("has not run yet"), ""
        if running := sum(is_running(slot, self._now) for slot in slots):
            words = pgettext("job", "runs now")
            return (f"{words} ({running}×)" if len(slots) > 1 else words), "accent"
        late = self._now - max(slot.due_at for slot in slots)
        if late > schedule.BY_NAME[name].lag_allowed:
            return _("late by %(span)s") % {"span": span(late)}, "danger"
        if any(slot.failures for slot in slots):
            is_lasting = any(slot.failures >= FAILS_IN_A_ROW for slot in slots)
            return _("fails") if is_lasting else _("failed last time"), "danger" if is_lasting else "warn"
        return pgettext("job", "in time"), "ok"

    def _around(self) -> tuple[tuple[str, str], ...]:
        ahead = self._state.clock_ahead
        return (
            (_("Last sign of life of the worker"), self._seen(self._state.worker_seen)),
            (_("Last sign of life of the pages"), self._seen(self._state.pages_seen)),
            (_("Clocks of database and pages"), _("%(span)s apart") % {"span": span(abs(ahead))}),
        )

    def _seen(self, at: datetime | None) -> str:
        if at is None:
            return _("there was none yet")
        words = self._at(at)
        return words + ", " + _("silent since") if self._is_silent(at) else words

    def _is_silent(self, at: datetime | None) -> bool:
        return at is None or abs(self._now - at) > SILENT + timedelta(minutes=1)

    def _at(self, at: datetime) -> str:
        return moment(at, self._zone, self._now)
