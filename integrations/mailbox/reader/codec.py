"""Carries a `ReadMail` between processes as JSON."""

from __future__ import annotations

import json
import types
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from integrations.mailbox.facts import ReadMail


def to_json(mail: ReadMail) -> bytes:
    return json.dumps(asdict(mail), default=_written, ensure_ascii=True).encode()


def from_json(data: bytes) -> ReadMail:
    return cast(ReadMail, _made(ReadMail, json.loads(data)))


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a ReadMail")


def _made(kind: Any, value: Any) -> Any:
    """Return the value as its annotation says: dataclasses, tuples of them, moments, words of an enumeration."""
    if get_origin(kind) in {types.UnionType, Union}:
        (kind,) = (one for one in get_args(kind) if one is not type(None))
        return None if value is None else _made(kind, value)
    if get_origin(kind) is tuple:
        return tuple(_made(get_args(kind)[0], one) for one in value)
    if isinstance(kind, type) and is_dataclass(kind):
        return cast(Any, kind)(**{name: _made(hint, value[name]) for name, hint in _hints(kind)})
    if kind is datetime:
        return datetime.fromisoformat(value)
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value


@cache
def _hints(kind: Any) -> list[tuple[str, Any]]:
    hints = get_type_hints(kind)
    return [(field.name, hints[field.name]) for field in fields(kind)]
