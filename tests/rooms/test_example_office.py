"""Example logins: made once, remembered, and never anybody's real password."""

from __future__ import annotations

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from rooms.example_office import ensure_logins, is_example_office
from rooms.office_import.office import read_people
from rooms.office_import.store import import_office
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

_DEMO = Path(__file__).parents[2] / "demo"
_ADDRESSES = ["anna.wrzesinska@urzad.example", "piotr.zielinski@urzad.example", "ewa.lukasik@urzad.example"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    import_office(_DEMO)
    return tmp_path / "new folder" / "demo-logins.json"


def test_three_people_get_passwords_that_work(file: Path) -> None:
    logins = ensure_logins(read_people(_DEMO), file=file)
    assert [(login.role, login.email) for login in logins.working] == list(
        zip(["staff", "manager", "it_admin"], _ADDRESSES, strict=True)
    )
    assert logins.left_alone == ()
    assert len({login.password for login in logins.working}) == 3
    for login in logins.working:
        visitor = Client()
        visitor.post(reverse("account_login"), {"login": login.email, "password": login.password})
        assert "_auth_user_id" in visitor.session


def test_second_run_gives_the_same_and_leaves_the_hashes(file: Path) -> None:
    first = ensure_logins(read_people(_DEMO), file=file)
    hashes = list(User.objects.order_by("pk").values_list("password", flat=True))
    assert ensure_logins(read_people(_DEMO), file=file) == first
    assert list(User.objects.order_by("pk").values_list("password", flat=True)) == hashes


def test_file_is_for_its_owner_alone(file: Path) -> None:
    ensure_logins(read_people(_DEMO), file=file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry["email"] for entry in json.loads(file.read_text())] == _ADDRESSES
    assert list(file.parent.iterdir()) == [file]


def test_nobody_else_gets_a_password(file: Path) -> None:
    ensure_logins(read_people(_DEMO), file=file)
    others = User.objects.exclude(email__in=_ADDRESSES)
    assert others.count() > 5
    assert not any(user.has_usable_password() for user in others)


def test_password_that_somebody_chose_is_kept(file: Path) -> None:
    ensure_logins(read_people(_DEMO), file=file)
    anna = User.objects.get(email=_ADDRESSES[0])
    anna.set_password(PASSWORD)
    anna.save()
    logins = ensure_logins(read_people(_DEMO), file=file)
    assert logins.left_alone == (_ADDRESSES[0],)
    assert [login.email for login in logins.working] == _ADDRESSES[1:]
    anna.refresh_from_db()
    assert anna.check_password(PASSWORD)


def test_real_office_gets_no_passwords(file: Path) -> None:
    make_user("dyrektor@udsc.gov.pl")
    assert not is_example_office()
    logins = ensure_logins(read_people(_DEMO), file=file)
    assert (logins.working, logins.left_alone) == ((), tuple(_ADDRESSES))
    assert not User.objects.get(email=_ADDRESSES[2]).has_usable_password()


def test_logins_made_before_the_first_real_person_go_on_working(file: Path) -> None:
    first = ensure_logins(read_people(_DEMO), file=file)
    make_user("dyrektor@udsc.gov.pl")
    assert ensure_logins(read_people(_DEMO), file=file) == first


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"email": 1}]', "[[]]", "\x00", "null"])
def test_spoiled_file_is_read_as_empty(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_text(content)
    assert len(ensure_logins(read_people(_DEMO), file=file).working) == 3


def test_person_who_is_gone_or_switched_off_is_not_shown(file: Path) -> None:
    User.objects.filter(email=_ADDRESSES[0]).delete()
    User.objects.filter(email=_ADDRESSES[1]).update(is_active=False)
    logins = ensure_logins(read_people(_DEMO), file=file)
    assert [login.email for login in logins.working] == [_ADDRESSES[2]]


def test_command_prints_role_address_and_password(file: Path, settings: Any) -> None:
    settings.VAR_DIR = file.parent
    out = StringIO()
    call_command("demo_logins", stdout=out)
    rows = [line.split() for line in out.getvalue().splitlines()]
    assert [row[-2] for row in rows] == _ADDRESSES
    passwords = {
        entry["email"]: entry["password"] for entry in json.loads((file.parent / "demo-logins.json").read_text())
    }
    assert {row[-2]: row[-1] for row in rows} == passwords
    make_user("dyrektor@udsc.gov.pl")
    (file.parent / "demo-logins.json").unlink()
    errors, nothing = StringIO(), StringIO()
    call_command("demo_logins", stdout=nothing, stderr=errors)
    assert nothing.getvalue() == ""
    assert "prawdziw" in errors.getvalue()
