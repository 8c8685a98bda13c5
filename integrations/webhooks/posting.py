"""Makes one call, and says what its answer means. Knows no database: calls to several hosts run side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from integrations.bounded_http import NoAnswer, Why, in_words, send
from integrations.webhooks.addresses import is_refused

#: Bytes of an answer that are kept: a word of the receiver's for IT, no more.
_ANSWER_AT_MOST = 400
#: A receiver may put a call off for as long.
LONGEST_RETRY_AFTER = timedelta(hours=6)
#: The receiver does not understand this very call, and the same bytes will fare no better.
_NOT_UNDERSTOOD = {400, 405, 411, 413, 414, 415, 422, 431, 505}
_GONE = 410
_LOADED = {429, 502, 503, 504}


class Verdict(StrEnum):
    TAKEN = "taken"
    #: Later may help. What a receiver says in the middle of an update, of a wrong secret, or under load.
    LATER = "later"
    #: Nobody answered: the next call to this host would fare alike.
    AWAY = "away"
    #: This call never, others perhaps.
    NEVER = "never"
    #: 410: the receiver wants no call of this webhook any more.
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try. `status`: 0 where there was no answer. `words`: for IT, in the language that was active.

    `retry_after`: how long the receiver asks to be left alone, within bounds; None where it does not say.
    `is_doubtful`: the receiver may have taken it and not been able to say so. `is_loaded`: it works, and is asked for
    too much just now.
    """

    verdict: Verdict
    status: int
    words: str
    took: timedelta
    retry_after: timedelta | None = None
    is_doubtful: bool = False

    @property
    def is_loaded(self) -> bool:
        return self.status in _LOADED


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, now: datetime) -> Outcome:
    """Call the address with this JSON. `seconds`: for all of it. Never raises for what the receiver does."""
    began = time.monotonic()
    every = {
        **headers,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "Narada-Webhooks/1",
    }
    try:
        answer = send(
            "POST",
            url,
            seconds=seconds,
            headers=every,
            data=body,
            at_most=_ANSWER_AT_MOST,
            is_cut=True,
            refuses=is_refused,
        )
    except NoAnswer as error:
        return _without_answer(error, took=_since(began))
    words = f"{answer.status} {_one_line(answer.body)}".strip()
    verdict = _verdict(answer.status)
    return Outcome(verdict, answer.status, words, _since(began), _retry_after(answer.retry_after, now))


def hung(*, seconds: float) -> Outcome:
    """Return what is said of a call that is not back in its time, since the system still looks its name up."""
    return Outcome(Verdict.AWAY, 0, in_words(Why.TIMEOUT), timedelta(seconds=seconds), is_doubtful=True)


def _without_answer(error: NoAnswer, *, took: timedelta) -> Outcome:
    words = in_words(error.why, error.detail)
    if error.why == Why.REDIRECT:
        return Outcome(Verdict.LATER, int(error.detail), f"{error.detail} {words}", took)
    return Outcome(Verdict.AWAY, 0, words, took, is_doubtful=error.why in {Why.TIMEOUT, Why.CUT})


def _verdict(status: int) -> Verdict:
    if 200 <= status < 300:
        return Verdict.TAKEN
    if status == _GONE:
        return Verdict.GONE
    return Verdict.NEVER if status in _NOT_UNDERSTOOD else Verdict.LATER


def _retry_after(header: str, now: datetime) -> timedelta | None:
    """Read Retry-After, seconds or a date (RFC 9110 10.2.3)."""
    if header.isascii() and header.isdecimal():
        wait = timedelta(seconds=min(int(header[:9]), LONGEST_RETRY_AFTER.total_seconds()))
    else:
        try:
            at = parsedate_to_datetime(header)
            wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
        except (ValueError, OverflowError):
            return None
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)


def _one_line(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)
