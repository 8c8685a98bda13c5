"""What the address of the licence desk asks for: a pool, a site, a day, tables open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from reports.permissions import LicenceReader
from rooms.models import Site
from rooms.terms import PoolTerms

_DAY = re.compile(r"2[01]\d{2}-\d{2}-\d{2}")
_TABLE = "tabela"


@dataclass(frozen=True, slots=True)
class DeskQuery:
    """`site`: of the chart of peaks; None: all. `day`: of the lanes. `tables`: those of the charts are open."""

    pool_id: int
    default_pool_id: int
    day: date
    today: date
    site: Site | None = None
    tables: bool = False

    def url(self, name: str = "licence_desk", *, part: str = "", **changed: Any) -> str:
        """Return the address of this page, or of one beside it, with some of it changed. `part`: where to look."""
        wanted = replace(self, **changed) if changed else self
        values: dict[str, str | int] = {}
        if wanted.pool_id != self.default_pool_id:
            values["pula"] = wanted.pool_id
        if wanted.site is not None:
            values["lokalizacja"] = wanted.site.code
        if wanted.day != self.today:
            values["dzien"] = wanted.day.isoformat()
        if wanted.tables:
            values["widok"] = _TABLE
        query = f"?{urlencode(values)}" if values else ""
        return f"{reverse(name)}{query}{f'#{part}' if part else ''}"


def chosen_pool(given: QueryDict, pools: dict[int, PoolTerms]) -> PoolTerms | None:
    """Return the pool that the address names, without one the default pool, without a default the first one.

    Raises: Http404 for a pool that does not exist.
    """
    text = given.get("pula", "")
    if text:
        found = next((terms for pk, terms in pools.items() if str(pk) == text), None)
        if found is None:
            raise Http404
        return found
    return default_pool(pools)


def default_pool(pools: dict[int, PoolTerms]) -> PoolTerms | None:
    return next((terms for terms in pools.values() if terms.pool.is_default), next(iter(pools.values()), None))


def read_query(
    given: QueryDict,
    *,
    terms: PoolTerms,
    default: PoolTerms,
    reader: LicenceReader,
    sites: Sequence[Site],
    today: date,
) -> DeskQuery:
    """Read what the address asks for. What can't be read, or is not the reader's business, is as if not asked for."""
    code = given.get("lokalizacja", "")
    return DeskQuery(
        pool_id=terms.pool.pk,
        default_pool_id=default.pool.pk,
        day=_day(given.get("dzien", "")) or today,
        today=today,
        site=next((site for site in sites if site.code == code and reader.sees(site.pk)), None),
        tables=given.get("widok") == _TABLE,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
