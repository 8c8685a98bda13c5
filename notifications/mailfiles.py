"""An e-mail backend for an office without a mail server: each mail becomes one `.eml` file under MAIL_DIR.

The files sort by time. A file is there whole or not at all, and nobody but the owner can read it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6})Z-[0-9a-f]{8}\.eml")
# RFC 5545 3.1: a long line goes on after a line end and a blank.
_FOLD = re.compile(r"\r?\n[ \t]")


@dataclass(frozen=True, slots=True)
class MailFile:
    """A mail that was written instead of sent. `written_at` is aware UTC."""

    name: str
    written_at: datetime

    def read(self) -> bytes:
        """Return the mail; nothing when somebody has cleared the folder since."""
        try:
            return bytes((settings.MAIL_DIR / self.name).read_bytes())
        except FileNotFoundError:
            return b""


class Backend(BaseEmailBackend):
    """Writes mails; the setting EMAIL_BACKEND names it when there is no EMAIL_URL."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            raw = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own class takes it
            write(raw, now=timezone.now())
        return len(email_messages)


def write(raw: bytes, *, now: datetime) -> Path:
    """Write one mail and return its path.

    Raises: OSError when the folder can't be written or the disk is full; then there is no file.
    """
    folder: Path = settings.MAIL_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%f}Z-{secrets.token_hex(4)}.eml"
    unfinished = folder / f".{name}.part"
    try:
        with open(unfinished, "xb", opener=_for_owner_only) as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(folder / name)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    return folder / name


def written() -> list[MailFile]:
    """Return all written mails, newest first, without reading them."""
    folder: Path = settings.MAIL_DIR
    names = sorted((entry.name for entry in folder.iterdir()), reverse=True) if folder.is_dir() else []
    return [found for name in names if (found := _parse(name))]


def find(name: str) -> MailFile | None:
    """Return the file of this name; None for any other name, so that no path leads out of the folder."""
    found = _parse(name)
    return found if found and (settings.MAIL_DIR / name).is_file() else None


def forget(addresses: Iterable[str]) -> int:
    """Delete the files in which one of these addresses stands, in lower case; return how many."""
    wanted = tuple(addresses)
    gone = 0
    for file in written():
        words = words_in(file.read())
        if any(address in words for address in wanted):
            (settings.MAIL_DIR / file.name).unlink(missing_ok=True)
            gone += 1
    return gone


def words_in(raw: bytes) -> str:
    """Return all that is written in a mail, in lower case; lines of calendars as long as they were before folding."""
    parts = [raw.decode("utf-8", "replace")]
    for part in message_from_bytes(raw).walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            parts.append(_FOLD.sub("", content.decode("utf-8", "replace")))
    return "\n".join(parts).lower()


def _parse(name: str) -> MailFile | None:
    match = _NAME.fullmatch(name)
    if not match:
        return None
    return MailFile(name, datetime.strptime(match[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC))


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
