"""What was found out about a conference server, judged: what was tried, how it went, and the way out in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.jitsi.models import ConferenceServer, Recorder
from integrations.jitsi.probing import NoAnswer, Why, in_words
from integrations.jitsi.selftest import Evidence, Taken
from integrations.jitsi.settings_text import DIAL_IN_CODE, TOKEN_AUTH
from integrations.jitsi.tokens import setting_missing_for

#: Prosody allows no skew; tokens begin a minute in the past (P10).
_SKEW_WARNS, _SKEW_FAILS = 5, 30


class Result(StrEnum):
    """`label` in the reader's language."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    #: Can't be tried from here, or not yet.
    NOT_POSSIBLE = "not-possible"

    @property
    def label(self) -> Promise | str:
        return _LABELS[self]

    @property
    def tag(self) -> str:
        """Return which kind of tag shows it."""
        return {"ok": "ok", "warning": "warn", "failed": "danger"}.get(self.value, "")


_LABELS = {
    Result.OK: gettext_lazy("fine"),
    Result.WARNING: gettext_lazy("warning"),
    Result.FAILED: gettext_lazy("failed"),
    Result.NOT_POSSIBLE: gettext_lazy("not tried"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """`key` names it for good. `found` and `way_out` may be empty."""

    key: str
    name: str
    tried: str
    result: Result
    found: str = ""
    way_out: str = ""


def judge(evidence: Evidence) -> list[Check]:
    """Return every check in order, in the language that is active."""
    return [check for part in _PARTS for check in part(evidence)]


def _keys(found: Evidence) -> Iterator[Check]:
    """What people's tokens are verified with, fetched as Prosody does."""
    name = _("Tokens of people")
    if setting := setting_missing_for(found.server):
        way_out = _("Set %(setting)s and start Narada anew.") % {"setting": setting}
        yield Check(
            "tokens", name, _("made a token"), Result.FAILED, _("Nobody can enter: a setting is missing."), way_out
        )
        return
    if found.server.algorithm == ConferenceServer.Algorithm.HS256:
        yield Check(
            "tokens",
            name,
            _("looked at how tokens are signed"),
            Result.WARNING,
            _("HS256: the server knows the secret with which Narada signs, and conferences can't be controlled."),
            _("Change over to RS256: JITSI_ALGORITHM=RS256, then the settings of this server anew."),
        )
        return
    tried = _("read the key at %(base)s and verified a new token with it") % {"base": settings.BASE_URL}
    yield _of_answer("tokens", name, tried, found.taken.get("login_key"), lambda taken: _verified(found, taken))
    yield _separate(found)


def _verified(found: Evidence, taken: Taken) -> tuple[Result, str, str]:
    if taken.status != 200:
        return Result.FAILED, _status(taken), _lost_on_the_way()
    try:
        claims = jwt.decode(
            found.login_token,
            taken.text,
            algorithms=["RS256"],
            audience="jitsi",
            issuer=settings.JITSI_APP_ID,
            options={"require": ["exp", "nbf", "aud", "iss", "sub"]},
        )
    except (jwt.PyJWTError, ValueError) as error:
        words = _("The key that was read does not verify our token: %(error)s.") % {"error": error}
        return Result.FAILED, words, _("Another Narada answers at BASE_URL, or a proxy keeps old answers.")
    # An array is refused there.
    return (Result.OK, "", "") if isinstance(claims["aud"], str) else (Result.FAILED, "aud", "")


def _separate(found: Evidence) -> Check:
    """Both stores answer for their own keys alone (P2)."""
    statuses = {
        name: _status_of(found, name) for name in ("control_key", "login_key_for_control", "control_key_for_login")
    }
    expected = {"control_key": 200, "login_key_for_control": 404, "control_key_for_login": 404}
    name = _("Keys of their own for controlling conferences")
    tried = _("asked each key store for its own key and for the other's")
    if statuses == expected:
        return Check("key_stores", name, tried, Result.OK)
    way_out = _("A proxy before Narada mixes up addresses under /jitsi/, or does not let all of them through.")
    numbers = ", ".join(f"{key} {status}" for key, status in statuses.items())
    return Check("key_stores", name, tried, Result.FAILED, numbers, way_out)


def _reservation(found: Evidence) -> Iterator[Check]:
    name = _("Whether a conference may begin")
    tried = _("asked about a conference that nobody booked, with the server's key and with a wrong one")
    yield _of_answer("reservations", name, tried, found.taken.get("reservation"), lambda taken: _refused(found, taken))
    yield _trust(found)


def _refused(found: Evidence, taken: Taken) -> tuple[Result, str, str]:
    """With the key a sentence, always text (P3); with a wrong one nothing."""
    wrong = _status_of(found, "reservation_wrong_key")
    if taken.status == 400:
        return Result.FAILED, _status(taken), _("The host of BASE_URL has to stand in ALLOWED_HOSTS.")
    if taken.status not in {403, 404}:
        return Result.FAILED, _status(taken), _lost_on_the_way()
    try:
        message = json.loads(taken.text).get("message")
    except (ValueError, AttributeError):
        message = None
    if not isinstance(message, str):
        return Result.FAILED, _("The answer is not Narada's."), _lost_on_the_way()
    if wrong != 401:
        words = _("A wrong key was answered with %(status)s instead of 401.") % {"status": wrong}
        return Result.FAILED, words, _lost_on_the_way()
    return Result.OK, f"„{message}”", ""


def _trust(found: Evidence) -> Check:
    name = _("Narada's certificate")
    tried = _("connected with %(base)s") % {"base": settings.BASE_URL}
    taken = found.taken["reservation"]
    if urlsplit(settings.BASE_URL).scheme != "https":
        words = _("BASE_URL has no https: the keys travel in the clear.")
        return Check(
            "certificate", name, tried, Result.WARNING, words, _("That is for trying out on one machine alone.")
        )
    if isinstance(taken.answer, NoAnswer) and taken.answer.why is Why.TLS:
        way_out = _(
            "Prosody asks nobody whose certificate it does not trust: install the office's authority there (P12)."
        )
        return Check("certificate", name, tried, Result.FAILED, in_words(Why.TLS), way_out)
    if isinstance(taken.answer, NoAnswer):
        return Check("certificate", name, tried, Result.NOT_POSSIBLE)
    words = _("This machine trusts it. The server's machine has to as well: curl -v from there says whether.")
    return Check("certificate", name, tried, Result.OK, words)


def _events(found: Evidence) -> Iterator[Check]:
    name, tried = (
        _("Who came and went: the address"),
        _("asked with the server's key and with a wrong one, telling nothing"),
    )
    yield _of_answer("events", name, tried, found.taken.get("events"), lambda taken: _event_answer(found, taken))
    name, tried = _("Who came and went: told"), _("compared what was told with the conferences of 14 days")
    if not found.asked and not found.entered:
        words, way_out = _("No conference has run on it yet."), _("Hold a session there, then try again.")
        yield Check("told", name, tried, Result.NOT_POSSIBLE, words, way_out)
    elif not found.told_of:
        way_out = _(
            "The component esync is not loaded there, or its api_prefix or key is wrong. Prosody's log says which."
        )
        words = ngettext(
            "%(count)s conference ran or was asked for, and nobody was told of.",
            "%(count)s conferences ran or were asked for, and nobody was told of.",
            max(found.asked, found.entered),
        ) % {"count": max(found.asked, found.entered)}
        yield Check("told", name, tried, Result.FAILED if found.entered else Result.WARNING, words, way_out)
    else:
        words = _("Of %(entered)s conferences with people in them, %(told)s were told of.") % {
            "entered": found.entered,
            "told": found.told_of,
        }
        yield Check("told", name, tried, Result.OK if found.told_of == found.entered else Result.WARNING, words)


def _event_answer(found: Evidence, taken: Taken) -> tuple[Result, str, str]:
    if (taken.status, _status_of(found, "events_wrong_key")) == (405, 401):
        return Result.OK, "", ""
    return Result.FAILED, _status(taken), _lost_on_the_way()


def _clock(found: Evidence) -> Iterator[Check]:
    name, tried = _("The server's clock"), _("compared the Date of its answers with our clock")
    skews = [
        (taken.answer.at - taken.at).total_seconds()
        for key in ("census", "config")
        if (taken := found.taken.get(key)) and not isinstance(taken.answer, NoAnswer) and taken.answer.at is not None
    ]
    if not skews:
        yield Check("clock", name, tried, Result.NOT_POSSIBLE, _("No answer had a Date."))
        return
    # The header has whole seconds, rounded down.
    seconds = round(max(skews, key=abs) + 0.5)
    result = Result.OK
    if abs(seconds) > _SKEW_WARNS:
        result = Result.FAILED if abs(seconds) > _SKEW_FAILS else Result.WARNING
    words = _("%(seconds)+d s") % {"seconds": seconds}
    way_out = _("Run NTP on both machines: Prosody takes no token whose time has not come.")
    yield Check("clock", name, tried, result, words, "" if result is Result.OK else way_out)


def _control(found: Evidence) -> Iterator[Check]:
    server = found.server
    name, tried = _("Who is in conferences"), _("read Prosody's list of conferences")
    if not server.control_url:
        way_out = _(
            "Set Prosody's address inside (JITSI_CONTROL_URL). Until then nobody is warned or counted, nothing ended."
        )
        yield Check("census", name, tried, Result.WARNING, _("Prosody's address inside is not known."), way_out)
        return
    census = _of_answer("census", name, tried, found.taken.get("census"), _census)
    yield census
    name, tried = _("Ending conferences"), _("ended a conference that there is not, with our key for that")
    if not server.can_be_controlled:
        yield Check("end", name, tried, Result.NOT_POSSIBLE, _("With HS256 nothing is controlled."))
    elif census.result is not Result.OK:
        # Whoever answers there is not Prosody, and its answer to this would mean nothing.
        yield Check("end", name, tried, Result.NOT_POSSIBLE, _("Prosody has to answer first."))
    else:
        yield _of_answer("end", name, tried, found.taken.get("end_with_control"), _ended)
    name, tried = _("Nobody else ends conferences"), _("tried the same with a token as people have it")
    if "end_with_login" in found.taken and census.result is Result.OK:
        yield _of_answer("p2", name, tried, found.taken["end_with_login"], _not_ended)


def _census(taken: Taken) -> tuple[Result, str, str]:
    if taken.status == 200 and '"room_census"' in taken.text:
        return Result.OK, "", ""
    return Result.FAILED, _status(taken), _("Load muc_census in the VirtualHost, and look at the host in the address.")


def _ended(taken: Taken) -> tuple[Result, str, str]:
    # Prosody has a page for addresses that it does not know; the module says nothing.
    if taken.status == 404 and not taken.text.strip():
        return Result.OK, "", ""
    if taken.status == 404:
        way_out = _("Load it as the settings of this server say.")
        return Result.FAILED, _("The module muc_end_meeting is not loaded."), way_out
    way_out = _("Set prosody_password_public_key_repo_url as the settings say; Prosody has to reach BASE_URL.")
    return Result.FAILED, _status(taken), way_out


def _not_ended(taken: Taken) -> tuple[Result, str, str]:
    """401, else every participant may end every conference (P2)."""
    if taken.status == 401:
        return Result.OK, "", ""
    if taken.status == 404 and taken.text.strip():
        return Result.NOT_POSSIBLE, _("The module muc_end_meeting is not loaded."), ""
    words = _(
        "Prosody took it (%(status)s): with the token in their address, anybody ends any conference and writes into it."
    )
    way_out = _(
        "Set prosody_password_public_key_repo_url to the store of control keys, and remove cache_keys_url (P2)."
    )
    return Result.FAILED, words % {"status": taken.status}, way_out


def _outside(found: Evidence) -> Iterator[Check]:
    name, tried = _("The web page"), _("read %(url)s/config.js") % {"url": found.server.url}
    yield _of_answer("web", name, tried, found.taken["config"], _config)
    name, tried = _("The way in without a token"), _("looked for tokenAuthUrl in config.js")
    text = found.taken["config"].text
    if found.taken["config"].status == 200:
        ours = settings.BASE_URL + TOKEN_AUTH.partition("{")[0]
        way_out = _("Set tokenAuthUrl: else who opens a conference without a token meets Jitsi's error instead of us.")
        yield Check("token_auth", name, tried, *((Result.OK,) if ours in text else (Result.WARNING, "", way_out)))
        if found.has_numbers:
            name, tried = _("Joining by telephone"), _("looked for dialInConfCodeUrl in config.js")
            fits = settings.BASE_URL + DIAL_IN_CODE in text
            way_out = _("Set dialInConfCodeUrl and dialInNumbersUrl: else people in a conference are not told its PIN.")
            yield Check("dial_in", name, tried, *((Result.OK,) if fits else (Result.WARNING, "", way_out)))
    name, tried = (
        _("What is inside stays inside"),
        _("asked for the list of conferences, and to begin one, from outside"),
    )
    yield Check("inside", name, tried, *_inside(found))


def _config(taken: Taken) -> tuple[Result, str, str]:
    if taken.status == 200 and "config" in taken.text:
        return Result.OK, "", ""
    return Result.FAILED, _status(taken), _("Look at the address for people, and whether the web server runs.")


def _inside(found: Evidence) -> tuple[Result, str, str]:
    census, begin = found.taken["census_outside"], found.taken["begin_outside"]
    if census.status == 200 and '"room_census"' in census.text:
        return Result.FAILED, _("Anybody reads who meets: Prosody's port 5280 is passed on."), _("Close it (P2).")
    # 405: the page for people, which nobody can post to.
    if begin.status and begin.status not in {403, 404, 405, 410}:
        words = _(
            "/conference-request is passed on to Jicofo (%(status)s): conferences begin there past the reservations."
        )
        way_out = _("Take both of its locations out of nginx, as the settings of this server say.")
        return Result.FAILED, words % {"status": begin.status}, way_out
    return Result.OK, "", ""


def _parts(found: Evidence) -> Iterator[Check]:
    asked = {"jicofo": _("Jicofo")} | {f"bridge{n}": url for n, url in enumerate(found.server.bridges)}
    for key, name in asked.items():
        if key in found.taken:
            yield _of_answer(key, name, _("asked for its health"), found.taken[key], _healthy)
    name, tried = _("Recorders"), _("looked at what recorders told of themselves in the last minutes")
    if not found.recorders:
        way_out = _("Where there are some: JIBRI_WEBHOOK_SUBSCRIBERS, and Narada in their reach.")
        yield Check("recorders", name, tried, Result.NOT_POSSIBLE, _("None has told of itself."), way_out)
        return
    ill = [r.jibri_id for r in found.recorders if not r.is_healthy or r.state == Recorder.State.EXPIRED]
    words = ", ".join(f"{recorder.jibri_id}: {recorder.get_state_display()}" for recorder in found.recorders)
    way_out = _("Restart: %(names)s.") % {"names": ", ".join(ill)} if ill else ""
    yield Check("recorders", name, tried, Result.WARNING if ill else Result.OK, words, way_out)


def _healthy(taken: Taken) -> tuple[Result, str, str]:
    return (Result.OK, "", "") if taken.status == 200 else (Result.FAILED, _status(taken), _("Its log says more."))


def _moderators(found: Evidence) -> Iterator[Check]:
    yield Check(
        "moderators",
        _("Who is moderator"),
        _("can't be seen from outside"),
        Result.NOT_POSSIBLE,
        _("By default the first who comes is moderator (P11)."),
        _("Enter a session as a guest, before its organizer: you must not be able to mute or remove anybody."),
    )


def _of_answer(
    key: str, name: str, tried: str, taken: Taken | None, judged: Callable[[Taken], tuple[Result, str, str]]
) -> Check:
    """Judge an answer, or say why there is none."""
    if taken is None:
        return Check(key, name, tried, Result.NOT_POSSIBLE)
    if isinstance(taken.answer, NoAnswer):
        words, way_out = in_words(taken.answer.why, taken.answer.detail), ""
        if key in {"tokens", "reservations", "events"}:
            way_out = _("BASE_URL has to lead to Narada, from this machine and from the server's.")
            if taken.answer.why is Why.REDIRECT:
                way_out = _("Servers follow no redirects (P15): SECURE_SSL_REDIRECT, or the proxy before Narada.")
        return Check(key, name, tried, Result.FAILED, words, way_out)
    return Check(key, name, tried, *judged(taken))


_PARTS = (_keys, _reservation, _events, _clock, _control, _outside, _parts, _moderators)


def _status_of(found: Evidence, name: str) -> int:
    taken = found.taken.get(name)
    return taken.status if taken else 0


def _status(taken: Taken) -> str:
    return _("The answer was %(status)s.") % {"status": taken.status}


def _lost_on_the_way() -> str:
    return _(
        "A proxy before Narada changes or stops what goes to /jitsi/. From the server's machine it must arrive too."
    )
