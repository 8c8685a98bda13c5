"""Puts the lines of licences.csv together: one pool with its grants and the shares of the sites."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext as _

from rooms.office_import.problems import shown
from rooms.office_import.sheets import LicenceRow
from rooms.office_import.table import Table
from rooms.services import PoolFacts, SeatsFacts


def to_pools(table: Table, rows: Sequence[LicenceRow]) -> tuple[PoolFacts, ...]:
    """Return the pools in the order of the file; contradictions between lines are refused in `table`.

    The columns of the pool are repeated on the line of every site. Lines with other first days are further grants,
    which add up with those before.
    """
    pools = []
    for name in dict.fromkeys(row.pool for row in rows):
        of_pool = [row for row in rows if row.pool == name]
        _refuse_contradictions(table, of_pool)
        grants = {row.grant.valid_from: row.grant for row in reversed(of_pool)}
        shares = [row.share for row in of_pool if row.share]
        _refuse_shares_beyond_grants(table, of_pool, list(grants.values()))
        ordered = sorted(grants.values(), key=lambda grant: grant.valid_from)
        pools.append(PoolFacts(name, of_pool[0].counts, tuple(ordered), tuple(shares)))
    return tuple(pools)


def _refuse_contradictions(table: Table, rows: Sequence[LicenceRow]) -> None:
    first = rows[0]
    grants: dict[date, LicenceRow] = {}
    shares: dict[tuple[str, date], LicenceRow] = {}
    for row in rows:
        if row.counts != first.counts:
            _contradicts(table, row, first, "counts", row.counts, first.counts)
        grant = grants.setdefault(row.grant.valid_from, row)
        if row.grant.seats != grant.grant.seats:
            _contradicts(table, row, grant, "seats", str(row.grant.seats), str(grant.grant.seats))
        if row.grant.valid_to != grant.grant.valid_to:
            nothing = _("nothing")
            here, there = str(row.grant.valid_to or nothing), str(grant.grant.valid_to or nothing)
            _contradicts(table, row, grant, "valid_to", here, there)
        if row.share:
            share = shares.setdefault((row.share.site, row.share.valid_from), row)
            if share is not row:
                table.refuse(
                    _("“%(site)s” has a share from that day on line %(line)d already. Keep one of the two lines.")
                    % {"site": shown(row.share.site), "line": share.line},
                    line=row.line,
                    column="site",
                )


def _contradicts(table: Table, row: LicenceRow, other: LicenceRow, column: str, here: str, there: str) -> None:
    table.refuse(
        _(
            "%(here)s contradicts line %(line)d, which says %(there)s for “%(pool)s”. "
            "Repeat the same on every line of the pool, or give a later grant another first day."
        )
        % {"here": here, "there": there, "line": other.line, "pool": shown(row.pool)},
        line=row.line,
        column=column,
    )


def _refuse_shares_beyond_grants(table: Table, rows: Sequence[LicenceRow], grants: Sequence[SeatsFacts]) -> None:
    """Refuse the share with which the shares of some day exceed what is granted that day."""
    given: list[SeatsFacts] = []
    for row in rows:
        if row.share is None:
            continue
        given.append(row.share)
        for day in sorted({share.valid_from for share in given} | {row.share.valid_from}):
            shared, granted = _in_force(given, day), _in_force(grants, day)
            if row.share.valid_from <= day and _in_force([row.share], day) and shared > granted:
                table.refuse(
                    _(
                        "with this share the sites have %(shared)d seats on %(day)s, and %(granted)d are granted. "
                        "Write smaller shares, or more seats."
                    )
                    % {"shared": shared, "day": day, "granted": granted},
                    line=row.line,
                    column="share",
                )
                break


def _in_force(items: Sequence[SeatsFacts], day: date) -> int:
    return sum(
        item.seats for item in items if item.valid_from <= day and (item.valid_to is None or day <= item.valid_to)
    )
