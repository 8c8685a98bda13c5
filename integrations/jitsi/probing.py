"""Asks conference servers over HTTP within bounds, several side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar
from urllib.parse import urlencode

from integrations.bounded_http import Answer as Answer
from integrations.bounded_http import NoAnswer as NoAnswer
from integrations.bounded_http import Why as Why
from integrations.bounded_http import in_words as in_words
from integrations.bounded_http import send

#: Bytes. What servers say of thousands of conferences is less.
MAX_ANSWER = 1024 * 1024
#: So many servers may hang before others are asked later.
_THREADS = 16

T = TypeVar("T")


def ask(
    method: str,
    url: str,
    *,
    seconds: float,
    host: str = "",
    bearer: str = "",
    body: dict[str, Any] | None = None,
    form: dict[str, str] | None = None,
) -> Answer:
    """Ask and return the answer, whatever its status below 300 or from 400 on.

    `seconds`: for all of it, however slowly the bytes drip. `host`: the name in the request where it is not the
    address's, since inside a server is called by another name than its own.
    Raises: NoAnswer. Never to be called in a transaction.
    """
    headers, data = _message(host, bearer, body, form)
    return send(method, url, seconds=seconds, headers=headers, data=data, at_most=MAX_ANSWER)


def json_of(answer: Answer) -> Any:
    """Return what the answer says in JSON. Raises: NoAnswer for an error and for what is no JSON."""
    if answer.status >= 300:
        raise NoAnswer(Why.STATUS, str(answer.status))
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise NoAnswer(Why.UNREADABLE) from error


def at_once(calls: Sequence[Callable[[], T]], *, seconds: float) -> list[T | None]:
    """Make the calls side by side and return what they return, None for those that are not back within `seconds`.

    They must not touch the database: each would do so over a connection of its own.
    """
    if not calls:
        return []
    pool = ThreadPoolExecutor(max_workers=min(_THREADS, len(calls)), thread_name_prefix="ask")
    futures = [pool.submit(call) for call in calls]
    done = wait(futures, timeout=seconds).done
    # One that hangs in the system, looking up a name for instance, is left behind and ends by itself.
    pool.shutdown(wait=False, cancel_futures=True)
    return [future.result() if future in done else None for future in futures]


def _message(
    host: str, bearer: str, body: dict[str, Any] | None, form: dict[str, str] | None
) -> tuple[dict[str, str], bytes | None]:
    headers = {"Accept": "application/json, text/*;q=0.9, */*;q=0.1", "Accept-Encoding": "identity"}
    if host:
        headers["Host"] = host
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    if body is not None:
        headers["Content-Type"] = "application/json"
        return headers, json.dumps(body).encode()
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return headers, urlencode(form).encode()
    return headers, None
