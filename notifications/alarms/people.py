"""Whom alarms are for, and whom they were for when the database was last there to be asked."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import User

logger = logging.getLogger(__name__)

_FILE = "alarm-recipients.json"


@dataclass(frozen=True, slots=True)
class Person:
    """`user_id` None: an address of ALARM_RECIPIENTS that is no IT admin's; it has the office's language and zone."""

    address: str
    name: str
    language: str
    zone: ZoneInfo
    user_id: int | None = None


def people_to_tell() -> list[Person]:
    """Return all IT admins who may sign in, and who else is set; each address once. One query."""
    admins = User.objects.filter(is_active=True, is_it_admin=True).order_by("pk")
    people = [Person(user.email, user.name, user.language, ZoneInfo(user.time_zone), user.pk) for user in admins]
    known = {person.address for person in people}
    return [*people, *(person for person in people_of_settings() if person.address.lower() not in known)]


def people_of_settings() -> list[Person]:
    """Return those of ALARM_RECIPIENTS, who are known without the database."""
    zone = ZoneInfo(settings.TIME_ZONE)
    addresses = dict.fromkeys(filter(None, (address.strip() for address in settings.ALARM_RECIPIENTS)))
    return [Person(address, "", settings.LANGUAGE_CODE, zone) for address in addresses]


def remember(people: Sequence[Person]) -> None:
    """Keep them for when the database is away, readable for nobody else; written only when they are others."""
    text = json.dumps([[person.address, person.name, person.language, person.zone.key] for person in people])
    path = Path(settings.VAR_DIR) / _FILE
    try:
        if path.exists() and path.read_text() == text:
            return
        # Whole or not at all: two processes may write at once.
        unfinished = path.with_name(f".{_FILE}.{os.getpid()}")
        with open(unfinished, "w", opener=_for_owner_only) as file:
            file.write(text)
        unfinished.rename(path)
    except OSError as error:
        logger.warning("Who is told of alarms can't be kept: %s", error)


def remembered() -> list[Person]:
    """Return whom this machine knows of, and who else is set. Asks the database for nothing."""
    try:
        rows = json.loads((Path(settings.VAR_DIR) / _FILE).read_text())
        people = [Person(address, name, language, ZoneInfo(zone)) for address, name, language, zone in rows]
    except (OSError, ValueError, KeyError):
        # Never written, or of another version. A zone that is not known here is a KeyError.
        people = []
    known = {person.address.lower() for person in people}
    return [*people, *(person for person in people_of_settings() if person.address.lower() not in known)]


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
