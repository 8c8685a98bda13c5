"""What the desk of IT admins says, in the reader's language and time zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.wording import clock, time_range
from integrations.jitsi.desk_queries import Desk, Item, Load, State
from integrations.jitsi.health import Part, parts_of
from integrations.jitsi.models import ConferenceServer, Recorder, ServerHealth

#: A clock that is off by more is said in colour; Prosody allows nothing (P10), and tokens begin a minute early.
_SKEW_SECONDS = 5
_TAGS = {
    State.OVERRUN: "warn",
    State.UNKNOWN: "danger",
    State.UNPLANNED: "warn",
    State.RUNNING: "live",
    State.AWAITED: "accent",
    State.MISSED: "warn",
    State.SOON: "",
}
_HEALTH_TAGS = {
    ServerHealth.State.UP: "ok",
    ServerHealth.State.ILL: "warn",
    ServerHealth.State.DOWN: "danger",
}


@dataclass(frozen=True, slots=True)
class Figure:
    number: int
    label: str
    detail: str
    css: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A conference as a line of the table. `note` explains its state; `peak`: where more were inside before."""

    item: Item
    state: str
    tag: str
    title: str
    note: str
    people: str
    peak: str
    since: str
    planned: str
    promised: str
    end_url: str


@dataclass(frozen=True, slots=True)
class ServerCard:
    """A server with its parts. `notes`: what is wrong or missing, each with a kind of notice."""

    server: ConferenceServer
    state: str
    tag: str
    since: str
    load: str
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    notes: tuple[tuple[str, str], ...]
    change_url: str


@dataclass(frozen=True, slots=True)
class Shown:
    figures: tuple[Figure, ...]
    running: tuple[Row, ...]
    coming: tuple[Row, ...]
    cards: tuple[ServerCard, ...]
    summary: str


def desk(found: Desk, *, zone: ZoneInfo, now: datetime) -> Shown:
    on = found.of(State.OVERRUN, State.UNKNOWN, State.UNPLANNED, State.RUNNING)
    coming = found.of(State.AWAITED, State.MISSED, State.SOON)
    figures = _figures(found)
    return Shown(
        figures=figures,
        running=tuple(row(item, zone=zone, now=now) for item in on),
        coming=tuple(row(item, zone=zone, now=now) for item in coming),
        cards=tuple(_card(load, zone=zone, now=now) for load in found.servers),
        summary=", ".join(f"{figure.label}: {figure.number}" for figure in figures),
    )


def row(item: Item, *, zone: ZoneInfo, now: datetime) -> Row:
    closed = _("closed session") if item.is_private else ""
    planned = ""
    if item.planned_end is not None:
        starts, ends = (item.starts_at or item.planned_end).astimezone(zone), item.planned_end.astimezone(zone)
        planned = time_range(starts, ends) if item.starts_at else clock(ends)
    return Row(
        item=item,
        state=_state(item.state),
        tag=_TAGS[item.state],
        # A server writes names of conferences in percent where they have other letters.
        title=item.title or closed or unquote(item.name),
        note=_note(item, zone),
        people=str(item.people) if item.key else "",
        peak=_("most: %(count)s") % {"count": item.peak} if item.peak > item.people else "",
        since=_clock(item.since, zone) if item.key else "",
        planned=planned,
        promised=_clock(item.promised_until, zone),
        end_url=reverse("jitsi_desk_end", kwargs={"key": item.key}) if item.can_be_ended else "",
    )


def _state(state: State) -> str:
    return {
        State.OVERRUN: _("past its end"),
        State.UNKNOWN: pgettext("conference", "unknown"),
        State.UNPLANNED: pgettext("conference", "not booked"),
        State.RUNNING: _("in progress"),
        State.AWAITED: _("nobody there yet"),
        State.MISSED: _("nobody came"),
        State.SOON: pgettext("conference", "planned"),
    }[state]


def _note(item: Item, zone: ZoneInfo) -> str:
    if item.state is State.UNKNOWN:
        return _(
            "Narada was not asked about it: somebody began it past the reservations, or it is older than they are."
        )
    if item.state is State.UNPLANNED:
        return _("Let in because a licence was free.")
    if item.moved_from is not None:
        return _("Moved here from %(server)s.") % {"server": item.moved_from.name}
    if item.state in {State.AWAITED, State.SOON} and item.key and item.since is not None:
        return _("Opened at %(at)s, and nobody has come in.") % {"at": _clock(item.since, zone)}
    return ""


def _figures(found: Desk) -> tuple[Figure, ...]:
    inside = sum(load.people for load in found.servers)
    counts = found.counts
    unbooked = counts[State.UNKNOWN] + counts[State.UNPLANNED]
    missed = counts[State.MISSED]
    return (
        Figure(
            counts[State.RUNNING] + counts[State.OVERRUN] + unbooked,
            _("Conferences running"),
            ngettext("%(count)s person inside", "%(count)s people inside", inside) % {"count": inside},
        ),
        Figure(
            counts[State.OVERRUN],
            _("Past their planned end"),
            _("they end when somebody needs their licence"),
            "figure--warn" if counts[State.OVERRUN] else "",
        ),
        Figure(
            unbooked,
            _("Not booked"),
            _("unknown to Narada: %(count)s") % {"count": counts[State.UNKNOWN]},
            "figure--danger" if counts[State.UNKNOWN] else "figure--warn" if unbooked else "",
        ),
        Figure(
            counts[State.AWAITED] + missed,
            _("Begun, nobody there"),
            _("given up: %(count)s") % {"count": missed},
            "figure--warn" if missed else "",
        ),
        Figure(counts[State.SOON], _("Begin within the hour"), _servers_up(found.servers)),
    )


def _servers_up(loads: Sequence[Load]) -> str:
    up = sum(load.health is not None and load.health.state == ServerHealth.State.UP for load in loads)
    return _("servers that work: %(up)s of %(all)s") % {"up": up, "all": len(loads)}


def _card(load: Load, *, zone: ZoneInfo, now: datetime) -> ServerCard:
    server, health = load.server, load.health
    state = ServerHealth.State(health.state) if health else ServerHealth.State.UNKNOWN
    return ServerCard(
        server=server,
        state=str(state.label),
        tag=_HEALTH_TAGS.get(state, ""),
        since=_("since %(at)s") % {"at": _near(health.since, zone, now)} if health and health.checked_at else "",
        load=_load(load),
        facts=tuple(_facts(load, zone=zone, now=now)),
        parts=tuple(parts_of(health)) if health else (),
        notes=tuple(_notes(load)),
        change_url=_change_url(server),
    )


def _load(load: Load) -> str:
    def of(count: int, most: int | None) -> str:
        return str(count) if most is None else _("%(count)s of %(most)s") % {"count": count, "most": most}

    words = {
        "conferences": of(load.conferences, load.server.max_conferences),
        "people": of(load.people, load.server.max_people),
    }
    return _("conferences: %(conferences)s, people: %(people)s") % words


def _facts(load: Load, *, zone: ZoneInfo, now: datetime) -> list[tuple[str, str]]:
    health = load.health
    facts = [(_("In use"), _load(load))]
    if health is not None and health.clock_ahead_seconds is not None:
        facts.append((_("Clock"), _("%(seconds)+d s") % {"seconds": health.clock_ahead_seconds}))
    if load.recorders:
        facts.append((_("Recorders"), _recorders(load.recorders)))
    if health is not None and health.checked_at is not None:
        facts.append((_("Last asked"), _near(health.checked_at, zone, now)))
    told = _near(load.server.told_at, zone, now) if load.server.told_at else _("never")
    facts.append((_("Told us of people"), told))
    return facts


def _recorders(recorders: Sequence[Recorder]) -> str:
    parts = []
    for state in Recorder.State:
        count = sum(recorder.state == state for recorder in recorders)
        if count:
            parts.append(f"{state.label}: {count}")
    if ill := sum(not recorder.is_healthy for recorder in recorders):
        parts.append(_("not well: %(count)s") % {"count": ill})
    return ", ".join(parts)


def _notes(load: Load) -> list[tuple[str, str]]:
    """Return what somebody should do something about, and what is missing, as kind of notice and sentence."""
    server, notes = load.server, []
    if not server.is_enabled:
        notes.append(("", _("Takes no more sessions. What runs goes on.")))
    if load.is_over:
        most = {"conferences": load.conferences_soon, "people": load.people_soon}
        words = _("More than it carries, within the hour: conferences %(conferences)s, people %(people)s.")
        notes.append(("warn", words % most))
    elif load.overfull is not None:
        most = {"conferences": load.overfull.conferences, "people": load.overfull.people}
        words = _(
            "More is planned at once later today than it carries: conferences %(conferences)s, people %(people)s."
        )
        notes.append(("warn", words % most))
    if load.moved_here:
        words = ngettext(
            "%(count)s session was moved here from another server.",
            "%(count)s sessions were moved here from another server.",
            load.moved_here,
        )
        notes.append(("", words % {"count": load.moved_here}))
    ahead = load.health.clock_ahead_seconds if load.health else None
    if ahead is not None and abs(ahead) > _SKEW_SECONDS:
        notes.append(("warn", _("Its clock and ours differ: run NTP on both, or tokens are refused.")))
    if server.algorithm == ConferenceServer.Algorithm.HS256:
        notes.append(("warn", _("Tokens are signed with HS256, so Narada can't speak into conferences or end them.")))
    elif not server.control_url:
        notes.append(
            ("warn", _("Prosody's address inside is missing: nobody is counted or warned, and nothing is ended."))
        )
    return notes


def _change_url(server: ConferenceServer) -> str:
    """Return the server's page in the administration; the one that the settings describe is changed in them."""
    try:
        return reverse("admin:integrations_conferenceserver_change", args=[server.pk])
    except NoReverseMatch:
        return ""


def _clock(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else clock(at.astimezone(zone))


def _near(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Say the time, with the day where it is another one."""
    local = at.astimezone(zone)
    return (
        clock(local)
        if local.date() == now.astimezone(zone).date()
        else f"{local.day}.{local.month:02d}, {clock(local)}"
    )
