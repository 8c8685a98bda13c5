"""Requests as JSON and back, for the waiting list: kept in a row for weeks, read by newer code. Pure.

Reading is strict: an unknown name, a wrong type or a missing field is an error, never a guess. A field that later code
added with a default may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from bookings.rules import BookingRequest

#: Raised whenever what is written changes so that older code, or `from_json`, can't read it.
VERSION = 1


class Unreadable(ValueError):
    """This JSON is no request, or one of a version that this code does not know."""


def to_json(request: BookingRequest) -> dict[str, Any]:
    """Return the request as what `json.dumps` takes: wall-clock times in ISO 8601, sets in order."""
    return {"version": VERSION, **_written(request)}


def from_json(data: object) -> BookingRequest:
    """Return the request that `to_json` wrote.

    Raises: Unreadable.
    """
    if not isinstance(data, Mapping) or data.get("version") != VERSION:
        raise Unreadable("not a request of version 1")
    body = {name: value for name, value in data.items() if name != "version"}
    found = _read(BookingRequest, body, "request")
    assert isinstance(found, BookingRequest)
    return found


def _written(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _written(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return [_written(item) for item in sorted(value)]
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    return value


def _read(kind: Any, value: Any, place: str) -> Any:
    """Return `value` as the annotated type `kind`; `place` names it in an error."""
    if isinstance(kind, type) and is_dataclass(kind):
        return _read_object(kind, value, place)
    origin = get_origin(kind)
    if origin is UnionType:
        return _read_optional(kind, value, place)
    if origin in (tuple, frozenset):
        return _read_list(kind, origin, value, place)
    if kind in (datetime, date) or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return _read_text(kind, value, place)
    # bool is an int to Python, and not to us.
    if type(value) is not kind:
        raise Unreadable(f"{place}: {value!r} is not {kind.__name__}")
    return value


def _read_object(kind: type, value: Any, place: str) -> Any:
    if not isinstance(value, Mapping):
        raise Unreadable(f"{place}: {value!r} is no object")
    kinds = _kinds_of(kind)
    if unknown := sorted(set(value) - set(kinds)):
        raise Unreadable(f"{place}: unknown {', '.join(map(str, unknown))}")
    needed = {item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING}
    if missing := sorted(needed - set(value)):
        raise Unreadable(f"{place}: {', '.join(missing)} missing")
    return kind(**{name: _read(kinds[name], item, f"{place}.{name}") for name, item in value.items()})


@cache
def _kinds_of(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read_optional(kind: Any, value: Any, place: str) -> Any:
    if value is None:
        return None
    (inner,) = (part for part in get_args(kind) if part is not NoneType)
    return _read(inner, value, place)


def _read_list(kind: Any, origin: type, value: Any, place: str) -> Any:
    if not isinstance(value, list):
        raise Unreadable(f"{place}: {value!r} is no list")
    inner = get_args(kind)
    if origin is frozenset or inner[-1] is Ellipsis:
        return origin(_read(inner[0], item, place) for item in value)
    if len(value) != len(inner):
        raise Unreadable(f"{place}: {len(value)} items instead of {len(inner)}")
    return tuple(_read(part, item, place) for part, item in zip(inner, value, strict=True))


def _read_text(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, str):
        raise Unreadable(f"{place}: {value!r} is no text")
    try:
        found = kind(value) if issubclass(kind, StrEnum) else kind.fromisoformat(value)
    except ValueError as error:
        raise Unreadable(f"{place}: {error}") from error
    if isinstance(found, datetime) and found.tzinfo is not None:
        raise Unreadable(f"{place}: {value} is no wall-clock time")
    return found
