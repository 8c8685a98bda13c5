"""Brings rows of one table into line with facts from a file: what is new is created, what differs is changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model

M = TypeVar("M", bound=Model)
K = TypeVar("K", bound=Hashable)

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows of one kind were created, changed, and found to be right already."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Upserted(Generic[K, M]):
    """All rows that the facts speak of, by key, and which of them are new or were changed."""

    rows: dict[K, M]
    created: frozenset[K]
    changed: frozenset[K]

    def tally(self, *, also_changed: frozenset[K] = frozenset()) -> Tally:
        """Count the rows. `also_changed`: rows that belong to something which changed beside them."""
        changed = (self.changed | also_changed) - self.created
        return Tally(len(self.created), len(changed), len(self.rows) - len(self.created) - len(changed))


def upsert(
    model: type[M],
    *,
    existing: Mapping[K, M],
    wanted: Mapping[K, Mapping[str, Any]],
    on_creation: Callable[[K], Mapping[str, Any]] = lambda _key: {},
) -> Upserted[K, M]:
    """Write `wanted` (fields by key) over `existing`, in a number of statements that does not grow with the rows.

    `on_creation`: fields that a new row needs and that are left alone afterwards. Rows that nobody wants stay as they
    are. The values have been checked before; the caller is in a transaction.
    """
    rows: dict[K, M] = {}
    new: dict[K, M] = {}
    different: dict[K, M] = {}
    names: set[str] = set()
    for key, fields in wanted.items():
        row = existing.get(key)
        if row is None:
            rows[key] = new[key] = model(**{**on_creation(key), **fields})
            continue
        rows[key] = row
        changes = {name: value for name, value in fields.items() if getattr(row, name) != value}
        if changes:
            different[key] = row
            names.update(changes)
            for name, value in changes.items():
                setattr(row, name, value)
    manager = model._default_manager  # noqa: SLF001  Django's documented name for it
    manager.bulk_create(new.values(), batch_size=_BATCH)
    if different:
        manager.bulk_update(different.values(), sorted(names), batch_size=_BATCH)
    return Upserted(rows, frozenset(new), frozenset(different))
