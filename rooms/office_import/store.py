"""Stores an office that was read from files, in one transaction: all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from accounts import services as accounts
from accounts.upsert import Tally
from rooms import services
from rooms.licence_changes import AllocationRefused, licence_changes
from rooms.office_import.office import OfficeFacts, read_office
from rooms.office_import.problems import ImportRefused, Problem
from rooms.office_import.sheets import LICENCES

# Two imports at once would both find a row missing; the second waits for the first.
_LOCK = 0x6E617261


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import did, or would have done."""

    equipment: Tally
    sites: Tally
    rooms: Tally
    pools: Tally
    institutions: Tally
    contacts: Tally
    groups: Tally
    people: Tally


def import_office(folder: Path, *, dry_run: bool = False) -> Summary:
    """Bring the office into line with the files of a folder. `dry_run`: do all of it, then take it back.

    Raises: ImportRefused with everything that is wrong; nothing is written then.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            summary = _store(read_office(folder))
            transaction.set_rollback(dry_run)
    except AllocationRefused as refused:
        raise ImportRefused([Problem(LICENCES.file, str(refused))]) from refused
    except IntegrityError as error:
        message = _("what is stored already contradicts the files (%(reason)s). Change one of them.")
        raise ImportRefused([Problem(str(folder), message % {"reason": str(error).splitlines()[0]})]) from error
    return summary


def _store(facts: OfficeFacts) -> Summary:
    equipment = services.store_equipment(facts.equipment)
    sites = services.store_sites(facts.sites)
    rooms = services.store_rooms(facts.rooms)
    with licence_changes():
        pools = services.store_pools(facts.pools, time_zone=settings.TIME_ZONE)
    services.store_room_pools(facts.rooms)
    outside = accounts.store_institutions(facts.institutions)
    users = accounts.store_people([person.facts for person in facts.people])
    people = services.store_roles(users, {person.facts.email: person.roles for person in facts.people})
    return Summary(
        equipment=equipment,
        sites=sites,
        rooms=rooms,
        pools=pools,
        institutions=outside.institutions,
        contacts=outside.contacts,
        groups=outside.groups,
        people=people,
    )
