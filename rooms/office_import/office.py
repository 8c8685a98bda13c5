"""Reads all files of an office and checks them against each other and against what is stored already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from django.utils.translation import gettext as _

from accounts.alphabet import folded
from accounts.models import User
from accounts.services import InstitutionFacts
from rooms.models import Equipment, LicencePool, Site
from rooms.office_import import sheets
from rooms.office_import.cells import Cells
from rooms.office_import.licences import to_pools
from rooms.office_import.problems import ImportRefused, Problem, shown
from rooms.office_import.sheets import Person
from rooms.office_import.table import Sheet, Table, read_table
from rooms.office_import.values import code_from_name, listed
from rooms.services import NO_LICENCE, EquipmentFacts, PoolFacts, RoomFacts, SiteFacts

T = TypeVar("T")

_LONGEST_PATH = 400


@dataclass(frozen=True, slots=True)
class OfficeFacts:
    """An office as its files describe it: checked, ready to be stored."""

    equipment: tuple[EquipmentFacts, ...]
    sites: tuple[SiteFacts, ...]
    rooms: tuple[RoomFacts, ...]
    pools: tuple[PoolFacts, ...]
    institutions: tuple[InstitutionFacts, ...]
    people: tuple[Person, ...]


@dataclass(slots=True)
class _Listing(Generic[T]):
    """One file: its table, the cells of every row, and facts of the rows that could be read."""

    table: Table
    cells: list[Cells] = field(default_factory=list)
    facts: list[T] = field(default_factory=list)


def read_office(folder: Path) -> OfficeFacts:
    """Raises: ImportRefused with everything that is wrong in the folder, file by file and line by line."""
    _check_folder(folder)
    equipment = _read(folder, sheets.EQUIPMENT, sheets.read_equipment)
    sites = _read(folder, sheets.SITES, sheets.read_site)
    rooms = _read(folder, sheets.ROOMS, sheets.read_room)
    licences = _read(folder, sheets.LICENCES, sheets.read_licence)
    institutions = _read(folder, sheets.INSTITUTIONS, sheets.read_institution)
    people = _read(folder, sheets.PEOPLE, sheets.read_person)

    for listing, columns in (
        (equipment, ["code"]),
        (equipment, ["name"]),
        (sites, ["code"]),
        (rooms, ["site", "code"]),
        (rooms, ["mailbox"]),
        (institutions, ["code"]),
        (institutions, ["email"]),
        (people, ["email"]),
    ):
        _refuse_doubles(listing.cells, columns)
    _refuse_unknown_sites(sites.table, [*rooms.cells, *licences.cells, *people.cells])
    _refuse_unknown_pools(licences.table, rooms.cells)
    _refuse_renamed_equipment(equipment)
    _refuse_last_admin_gone(people)
    fitted_rooms, found_equipment = _fit_equipment(rooms, equipment)
    pools = to_pools(licences.table, licences.facts)

    tables = (listing.table for listing in (equipment, sites, rooms, licences, institutions, people))
    if problems := [problem for table in tables for problem in sorted(table.problems, key=lambda item: item.line)]:
        raise ImportRefused(problems)
    return OfficeFacts(
        equipment=(*equipment.facts, *found_equipment),
        sites=tuple(sites.facts),
        rooms=tuple(fitted_rooms),
        pools=pools,
        institutions=tuple(institutions.facts),
        people=tuple(people.facts),
    )


def read_people(folder: Path) -> tuple[Person, ...]:
    """Return who stands in people.csv. Raises: ImportRefused if it can't be read; without the file nobody does."""
    _check_folder(folder)
    people = _read(folder, sheets.PEOPLE, sheets.read_person)
    if people.table.problems:
        raise ImportRefused(people.table.problems)
    return tuple(people.facts)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        reason = _("this is not a folder.") if folder.exists() else _("there is no such folder.")
        way_out = _("Name the folder that holds sites.csv, rooms.csv, licences.csv and institutions.csv.")
        raise ImportRefused([Problem(shown(str(folder), longest=_LONGEST_PATH), f"{reason} {way_out}")])


def _read(folder: Path, sheet: Sheet, read_row: Callable[[Cells], T]) -> _Listing[T]:
    listing: _Listing[T] = _Listing(read_table(folder, sheet))
    for row in listing.table.rows:
        cells = Cells(listing.table, row)
        fact = read_row(cells)
        listing.cells.append(cells)
        if cells.is_good:
            listing.facts.append(fact)
    return listing


def _refuse_doubles(rows: Iterable[Cells], columns: list[str]) -> None:
    """Refuse rows that repeat what an earlier line says in `columns`; empty cells repeat nothing."""
    seen: dict[tuple[str, ...], int] = {}
    for cells in rows:
        key = tuple(cells.raw(column).casefold() for column in columns)
        if not all(key):
            continue
        if key in seen:
            cells.refuse(
                columns[-1],
                _("“%(value)s” stands on line %(line)d already. Keep one of the two lines, or change this value.")
                % {"value": shown(cells.raw(columns[-1])), "line": seen[key]},
            )
        seen.setdefault(key, cells.line)


def _refuse_unknown_sites(sites: Table, rows: Iterable[Cells]) -> None:
    if not sites.is_readable:
        return  # That is reported; every other line would only repeat it.
    known = sites.column("code") | set(Site.objects.values_list("code", flat=True))
    for cells in rows:
        for code in listed(cells.raw("site")):
            if code not in known:
                cells.refuse(
                    "site",
                    _("there is no site “%(code)s”. Add it to sites.csv, or write one of: %(known)s.")
                    % {"code": shown(code), "known": ", ".join(shown(item) for item in sorted(known)[:20])},
                )


def _refuse_unknown_pools(licences: Table, rooms: Iterable[Cells]) -> None:
    if not licences.is_readable:
        return
    known = licences.column("pool") | set(LicencePool.objects.values_list("name", flat=True))
    for cells in rooms:
        name = cells.raw("licence").strip()
        if name and name.casefold() != NO_LICENCE and name not in known:
            cells.refuse(
                "licence",
                _("there is no pool “%(name)s”. Add it to licences.csv, write “no”, or one of: %(known)s.")
                % {"name": shown(name), "known": ", ".join(shown(item) for item in sorted(known)[:20])},
            )


def _refuse_renamed_equipment(equipment: _Listing[EquipmentFacts]) -> None:
    """Refuse a name that other equipment, not in the file, has already: two chips would say the same."""
    codes = equipment.table.column("code")
    taken = {row.name: row.code for row in Equipment.objects.exclude(code__in=codes)}
    for cells in equipment.cells:
        if code := taken.get(cells.raw("name")):
            cells.refuse(
                "name",
                _("“%(name)s” is the name of equipment with the code “%(code)s”. Use that code, or another name.")
                % {"name": shown(cells.raw("name")), "code": code},
            )


def _refuse_last_admin_gone(people: _Listing[Person]) -> None:
    admins = set(User.objects.filter(is_active=True, is_it_admin=True).values_list("email", flat=True))
    demoted = {person.facts.email for person in people.facts if not person.facts.is_it_admin} & admins
    promoted = {person.facts.email for person in people.facts if person.facts.is_it_admin}
    if not demoted or (admins - demoted) | promoted:
        return
    for cells in people.cells:
        if cells.raw("email").lower() in demoted:
            cells.refuse(
                "role", _("after this nobody would be IT admin. Leave this person it_admin, or name another one.")
            )


def _fit_equipment(
    rooms: _Listing[RoomFacts], equipment: _Listing[EquipmentFacts]
) -> tuple[list[RoomFacts], list[EquipmentFacts]]:
    """Return the rooms with equipment by code, and equipment that only rooms speak of.

    Names count without accents and capitals. With an equipment.csv in the folder, a name that is not listed is taken
    for a slip of the pen; without one it is how an office says what it has.
    """
    codes: dict[str, str] = {}
    stored = Equipment.objects.values_list("code", "name")
    for code, name in [*stored, *((cells.raw("code"), cells.raw("name")) for cells in equipment.cells)]:
        codes |= {folded(name): code, code: code}
    found: dict[str, EquipmentFacts] = {}
    fitted = []
    for cells, names in _equipment_of_rooms(rooms):
        for name in names:
            code = code_from_name(name)
            if folded(name) in codes or code in codes:
                continue
            if equipment.table.is_readable:
                cells.refuse(
                    "equipment",
                    _("“%(name)s” is not in equipment.csv. Add it there, or write one of: %(known)s.")
                    % {"name": shown(name), "known": ", ".join(sorted(equipment.table.column("name"))[:20])},
                )
            elif equipment.table.is_absent:
                found[code] = EquipmentFacts(code=code, name=name)
                codes |= {folded(name): code, code: code}
    for room in rooms.facts:
        known = {codes.get(folded(name)) or codes.get(code_from_name(name), "") for name in room.equipment}
        fitted.append(replace(room, equipment=frozenset(known)))
    return fitted, list(found.values())


def _equipment_of_rooms(rooms: _Listing[RoomFacts]) -> Iterable[tuple[Cells, list[str]]]:
    for cells in rooms.cells:
        yield cells, [name for name in listed(cells.raw("equipment")) if code_from_name(name)]
