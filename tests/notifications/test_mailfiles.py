"""Mail as files, for an office without a mail server."""

from __future__ import annotations

import stat
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from django.core import mail

from notifications import mailfiles
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MIGRI, book, rows


@pytest.fixture(autouse=True)
def folder(settings: object, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = "notifications.mailfiles.Backend"
    settings.MAIL_DIR = tmp_path / "głęboko" / "mail"
    return settings.MAIL_DIR


@pytest.mark.django_db
def test_delivery_writes_each_mail_as_it_is_kept(office: Office, folder: Path) -> None:
    book(office, MIGRI)
    assert deliver_due(NOW) == Tally(sent=2)
    files = sorted(folder.iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    raws = [bytes(row.raw or b"") for row in Message.objects.order_by("pk")]
    assert [file.read_bytes() for file in files] == raws
    parsed = message_from_bytes(raws[0], policy=policy.SMTP)
    assert parsed["To"].addresses[0].addr_spec == ANNA
    assert raws[0].count(b"\n") == raws[0].count(b"\r\n")


def test_nobody_else_may_read_them(folder: Path) -> None:
    path = mailfiles.write(b"Subject: x\r\n\r\n", now=NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_newest_comes_first_and_only_mails_are_found(folder: Path) -> None:
    second = mailfiles.write(b"2", now=NOW + timedelta(seconds=1))
    first = mailfiles.write(b"1", now=NOW)
    (folder / "notatki.txt").write_text("no mail")
    (folder / f".{first.name}.part").write_bytes(b"half a mail")
    assert [(file.name, file.written_at) for file in mailfiles.written()] == [
        (second.name, NOW + timedelta(seconds=1)),
        (first.name, NOW),
    ]
    assert mailfiles.find(first.name) == mailfiles.written()[1]


@pytest.mark.parametrize("name", ["../secret_key", "/etc/passwd", "x.eml", "", ".", "..", "notatki.txt"])
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    mailfiles.write(b"1", now=NOW)
    (folder / "notatki.txt").write_text("no mail")
    assert mailfiles.find(name) is None


def test_there_are_none_before_the_first(folder: Path) -> None:
    assert mailfiles.written() == []


def test_ordinary_mails_of_django_are_written_too(folder: Path) -> None:
    mail.get_connection(backend="notifications.mailfiles.Backend").send_messages(
        [mail.EmailMessage("Zmiana hasła", "Zażółć", to=[ANNA])]
    )
    (file,) = mailfiles.written()
    parsed = message_from_bytes(file.read(), policy=policy.default)
    assert (parsed["Subject"], parsed.get_content().strip()) == ("Zmiana hasła", "Zażółć")


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_loses_nothing(office: Office, folder: Path, settings: object) -> None:
    settings.MAIL_DIR = folder.parent.parent / "file"
    settings.MAIL_DIR.write_text("in the way")
    book(office)
    assert deliver_due(NOW) == Tally(put_off=1)
    settings.MAIL_DIR = folder
    assert deliver_due(NOW + timedelta(minutes=2)) == Tally(sent=1)
    assert rows() == [(ANNA, "invitation", 1, "sent")]
