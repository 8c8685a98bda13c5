"""`manage.py receive_mail`, as a mail server calls it: one mail at standard input, an exit code of sysexits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from integrations.mailbox import store
from integrations.mailbox.models import InboundMail
from tests.integrations.mailbox.mails import letter
from tests.servers import ROOT, environment, free_port

pytestmark = [pytest.mark.django_db(transaction=True)]

RAW = letter("kto@obcy.example", "Dzień dobry \0")


def receive(var_dir: Path, raw: bytes, *arguments: str, **values: str) -> int:
    command = [sys.executable, "manage.py", "receive_mail", *arguments]
    env = environment(var_dir, **values)
    done = subprocess.run(command, cwd=ROOT, env=env, input=raw, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    return done.returncode


@pytest.mark.long
def test_a_mail_is_kept_once_with_its_recipients(tmp_path: Path) -> None:
    assert receive(tmp_path, RAW, "--to", "narada@urzad.example") == 0
    assert receive(tmp_path, RAW) == 0
    mail = InboundMail.objects.get()
    assert (bytes(mail.raw), mail.source, mail.envelope_to) == (RAW, "command", ["narada@urzad.example"])


@pytest.mark.long
def test_without_the_database_it_is_to_be_tried_again(tmp_path: Path) -> None:
    away = f"postgresql://narada@127.0.0.1:{free_port()}/narada"
    assert receive(tmp_path, RAW, DATABASE_URL=away) == os.EX_TEMPFAIL


@pytest.mark.long
@pytest.mark.parametrize("raw", [b"", b"\r\n", RAW + b"x" * store.MAX_SIZE])
def test_what_is_no_mail_is_refused_for_good(tmp_path: Path, raw: bytes) -> None:
    assert receive(tmp_path, raw) == os.EX_DATAERR
    assert not InboundMail.objects.exists()
