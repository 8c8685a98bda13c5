"""Tries everything between us and one conference server, as that server and people's browsers would.

First comes what the database knows, then everything over the network side by side and within one time, and then what
it means (`selftest_checks`). Nothing is changed anywhere: conferences are asked for by names that nobody booked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt
from django.conf import settings

from bookings.models.booking import new_conference_name
from integrations.jitsi import keys, tokens
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import Conference, ConferenceServer, DialInNumber, Presence, Recorder
from integrations.jitsi.probing import Answer, NoAnswer, Why, ask, at_once
from integrations.jitsi.recorders import heard_of
from integrations.jitsi.settings_text import CONTROL_KEYS, EVENTS, LOGIN_KEYS, RESERVATIONS

#: Beyond the time that each server has: for looking up names, and for a busy machine.
_SPARE_SECONDS = 2.0
#: How far back conferences are looked at for what was told of them.
_LOOKED_BACK = timedelta(days=14)
_TOKEN_LASTS = timedelta(minutes=2)
_FORM_TIME = "%Y-%m-%dT%H:%M:%S.000Z"


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer, or why there is none; `at`: what our clock said then."""

    answer: Answer | NoAnswer
    at: datetime

    @property
    def status(self) -> int:
        return self.answer.status if isinstance(self.answer, Answer) else 0

    @property
    def text(self) -> str:
        return self.answer.body.decode(errors="replace") if isinstance(self.answer, Answer) else ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was found out. `taken`: by the name of the question; those that were not asked are missing."""

    server: ConferenceServer
    now: datetime
    #: A name that nobody booked.
    name: str
    login_token: str
    taken: dict[str, Taken]
    #: Of conferences of the last weeks: how many the server asked us about, were entered, and were told of.
    asked: int
    entered: int
    told_of: int
    recorders: tuple[Recorder, ...] = ()
    has_numbers: bool = False
    seconds: float = field(default=0.0, compare=False)


def gather(server: ConferenceServer, *, now: datetime) -> Evidence:
    """Find out everything. Takes as long as the slowest answer, JITSI_TIMEOUT_SECONDS and a little more at most."""
    name = new_conference_name()
    login = _login_token(server, room=name, now=now)
    began = time.monotonic()
    taken = _ask_all(_questions(server, name, login, now=now), now=now)
    recent = Conference.objects.filter(server=server, opened_at__gt=now - _LOOKED_BACK, opened_at__lte=now)
    entered = recent.exclude(people_peak=0, first_joined_at=None)
    return Evidence(
        server=server,
        now=now,
        name=name,
        login_token=login,
        taken=taken,
        asked=recent.exclude(promised_until=None).count(),
        entered=entered.count(),
        told_of=Presence.objects.filter(conference__in=entered).values("conference").distinct().count(),
        recorders=tuple(recorder for recorder in heard_of(now=now) if recorder.server_id == server.pk),
        has_numbers=DialInNumber.objects.filter(is_active=True).exists(),
        seconds=time.monotonic() - began,
    )


def _login_token(server: ConferenceServer, *, room: str, now: datetime) -> str:
    """Return a token as people get them, for a conference that there is not; empty where none can be made."""
    if tokens.setting_missing_for(server):
        return ""
    claims = {
        "iss": settings.JITSI_APP_ID,
        "aud": "jitsi",
        "sub": server.xmpp_domain,
        "room": room,
        "nbf": int((now - _TOKEN_LASTS).timestamp()),
        "exp": int((now + _TOKEN_LASTS).timestamp()),
        "context": {"user": {"id": "selftest", "name": "Narada", "moderator": False}},
    }
    if server.algorithm == ConferenceServer.Algorithm.HS256:
        return jwt.encode(claims, settings.JITSI_APP_SECRET, algorithm="HS256")
    key = keys.signing_key(keys.Purpose.LOGIN, now=now)
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid})


_Question = Callable[[], Answer]


def _questions(server: ConferenceServer, name: str, login: str, *, now: datetime) -> dict[str, _Question]:
    """Return what to ask, by name. What needs the database is read here: the asking must not touch it."""
    found = {**_of_us(server, name, now=now), **_of_people(server)}
    if server.algorithm == ConferenceServer.Algorithm.RS256:
        found |= _of_keys(now=now)
    if server.control_url:
        found |= _of_prosody(server, name, login, now=now)
    if server.jicofo_url:
        found["jicofo"] = _get(f"{server.jicofo_url}/about/health")
    for number, bridge in enumerate(server.bridges):
        found[f"bridge{number}"] = _get(f"{bridge}/about/health")
    return found


def _of_us(server: ConferenceServer, name: str, *, now: datetime) -> dict[str, _Question]:
    """Ask ourselves, over the network and under the address that the server has of us."""
    conference = f"{settings.BASE_URL}{RESERVATIONS}/conference"
    # As Prosody sends it, in another order each time.
    form = {"name": name, "mail_owner": f"selftest@{server.xmpp_domain}", "start_time": now.strftime(_FORM_TIME)}
    event = f"{settings.BASE_URL}{EVENTS}/events/room/created"
    right, wrong = key_for(server, Purpose.RESERVATIONS), key_for(server, Purpose.EVENTS)
    # Where such conferences are let in, the question would take a licence: then it is for one that was never opened.
    reservation = _call("POST", conference, bearer=right, form=form)
    if settings.JITSI_UNPLANNED == "admit":
        reservation = _call("GET", f"{conference}/{name}", bearer=right)
    return {
        "reservation": reservation,
        "reservation_wrong_key": _call("POST", conference, bearer=wrong, form=form),
        # It takes POST alone and says so only to whoever has the key: so nothing is told.
        "events": _call("GET", event, bearer=wrong),
        "events_wrong_key": _call("GET", event, bearer=right),
    }


def _of_keys(*, now: datetime) -> dict[str, _Question]:
    login = keys.digest(keys.signing_key(keys.Purpose.LOGIN, now=now).kid)
    control = keys.digest(keys.signing_key(keys.Purpose.CONTROL, now=now).kid)
    return {
        "login_key": _get(f"{settings.BASE_URL}{LOGIN_KEYS}/{login}.pem"),
        "control_key": _get(f"{settings.BASE_URL}{CONTROL_KEYS}/{control}.pem"),
        "login_key_for_control": _get(f"{settings.BASE_URL}{CONTROL_KEYS}/{login}.pem"),
        "control_key_for_login": _get(f"{settings.BASE_URL}{LOGIN_KEYS}/{control}.pem"),
    }


def _of_people(server: ConferenceServer) -> dict[str, _Question]:
    """Ask what everybody can reach."""
    return {
        "config": _get(f"{server.url}/config.js"),
        "census_outside": _get(f"{server.url}/room-census"),
        "begin_outside": _call("POST", f"{server.url}/conference-request/v1", body={}),
    }


def _of_prosody(server: ConferenceServer, name: str, login: str, *, now: datetime) -> dict[str, _Question]:
    base, host = server.control_url.rstrip("/"), server.xmpp_domain
    end = f"{base}/end-meeting?conference={name}@{server.conferences_domain}"
    found = {"census": _get(f"{base}/room-census", host=host)}
    if login:
        found["end_with_login"] = _call("POST", end, bearer=login, host=host)
    if server.can_be_controlled:
        control = tokens.mint_control(server, room=name, now=now)
        found["end_with_control"] = _call("POST", end, bearer=control, host=host)
    return found


def _get(url: str, *, host: str = "") -> _Question:
    return _call("GET", url, host=host)


def _call(
    method: str,
    url: str,
    *,
    host: str = "",
    bearer: str = "",
    form: dict[str, str] | None = None,
    body: dict[str, object] | None = None,
) -> _Question:
    seconds = settings.JITSI_TIMEOUT_SECONDS
    return lambda: ask(method, url, seconds=seconds, host=host, bearer=bearer, form=form, body=body)


def _ask_all(questions: dict[str, _Question], *, now: datetime) -> dict[str, Taken]:
    began = time.monotonic()

    def taken(question: _Question) -> Taken:
        answer: Answer | NoAnswer
        try:
            answer = question()
        except NoAnswer as error:
            answer = error
        return Taken(answer, now + timedelta(seconds=time.monotonic() - began))

    calls = [lambda question=question: taken(question) for question in questions.values()]
    found = at_once(calls, seconds=settings.JITSI_TIMEOUT_SECONDS + _SPARE_SECONDS)
    late = Taken(NoAnswer(Why.TIMEOUT), now)
    return {name: answer or late for name, answer in zip(questions, found, strict=True)}
