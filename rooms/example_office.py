"""The example office may be shown round with logins that are printed; a real office is never touched.

What makes an office an example: every user's address ends in .example, which nobody can have (RFC 2606, section 2).
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from django.db import transaction

from accounts.models import User
from accounts.services import set_password
from rooms.models import BookingRule, MovableEquipment, Room
from rooms.office_import.sheets import IT_ADMIN, Person

_RESERVED = ".example"
# Read aloud and typed by hand: no 0 and o, no 1, l and i. 16 letters are 78 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Login:
    """A login of the example office; `role` as in people.csv."""

    role: str
    name: str
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Logins:
    """The logins that work, and addresses of people who have chosen a password themselves or must not get one."""

    working: tuple[Login, ...]
    left_alone: tuple[str, ...]


def is_example_office() -> bool:
    return not User.objects.exclude(email__endswith=_RESERVED).exists()


def ensure_logins(people: Sequence[Person], *, file: Path) -> Logins:
    """Give the people marked in people.csv a password each, once, and remember it in `file` (mode 0600).

    A password is set only in an example office, for somebody who has none. Whoever has chosen one keeps it.
    """
    marked = {person.facts.email: person for person in people if person.has_example_login}
    remembered = _read(file)
    working, left_alone = [], []
    with transaction.atomic():
        may_set = is_example_office()
        users = User.objects.filter(email__in=marked, is_active=True).select_for_update()
        by_email = {user.email: user for user in users}
        for email, person in marked.items():
            if (user := by_email.get(email)) is None:
                continue
            password = remembered.get(email, "")
            if not (password and user.check_password(password)):
                if not may_set or user.has_usable_password():
                    left_alone.append(email)
                    continue
                password = _new_password()
                set_password(user, password)
            working.append(Login(_role(person), user.name, email, password))
        # Before the commit: a password that is set and not remembered is lost; the other way round it is made anew.
        _write(file, working)
    return Logins(tuple(working), tuple(left_alone))


def ensure_rules() -> None:
    """Give the example office a few rules, document cameras to carry around, and recorders, where it has none."""
    rooms = {f"{room.site.code}/{room.code}": room for room in Room.objects.select_related("site")}
    conference, booth = rooms.get("KOS/1.03"), rooms.get("TAB/0.21")
    if conference is None or booth is None or BookingRule.objects.exists() or MovableEquipment.objects.exists():
        return
    kinds = BookingRule.Kind
    BookingRule.objects.bulk_create(
        [
            BookingRule(kind=kinds.WINDOW, value=90, room=conference),
            BookingRule(kind=kinds.LENGTH, value=4 * 60, role="staff"),
            BookingRule(kind=kinds.NOTICE, value=30, room=booth),
        ]
    )
    MovableEquipment.objects.create(
        site=conference.site,
        name="Przenośna kamera dokumentowa",
        name_en="Portable document camera",
        quantity=2,
    )
    MovableEquipment.objects.create(is_recorder=True, name="Nagrywanie", name_en="Recording", quantity=2)


def _role(person: Person) -> str:
    return IT_ADMIN if person.facts.is_it_admin else next(iter(person.roles.values()))


def _new_password() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _read(file: Path) -> dict[str, str]:
    """Return password by address; a file that is not there or not ours remembers nothing."""
    try:
        return {str(entry["email"]): str(entry["password"]) for entry in json.loads(file.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _write(file: Path, logins: Sequence[Login]) -> None:
    """Replace the file in one step, readable by its owner only from the first byte."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump([asdict(login) for login in logins], stream, ensure_ascii=False, indent=1)
    fresh.replace(file)
