"""Fetches mail that came in from an IMAP server: kept first, and only then moved to another folder over there.

Nothing is remembered here. What lies in the folder is new; what was kept before a crash, and not yet moved, is the same
row again (`store`), and is moved then. So no mail is lost, and none is taken twice.
"""

from __future__ import annotations

import imaplib
import logging
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError
from imap_tools.utils import encode_folder

from integrations.mailbox import store, troubles

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20
#: A run ends after this long, whatever is left; the next beat goes on.
LONGEST_RUN = timedelta(minutes=2)
#: Whose sizes are asked for at once.
_BATCH = 50
_SIZE = re.compile(rb"UID (\d+).*?RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+).*?UID (\d+)")

_ERRORS = (ImapToolsError, imaplib.IMAP4.error, OSError)


class _Skipped(Exception):
    """This mail can't be fetched just now; the others may be."""


def fetch_new(now: datetime) -> int:
    """Fetch and keep what lies in the folder of IMAP_URL; return how many mails. A server in trouble raises nothing.

    Raises: OperationalError when the database is away; what was not kept stays where it is.
    """
    try:
        with _connected() as mailbox:
            fetched, skipped = _Folder(mailbox, now).empty()
    except _ERRORS as error:
        # The server's words; ours hold the password, and are never repeated by these libraries.
        logger.warning("Mail can't be fetched: %s", type(error).__name__)
        troubles.note_failure(_words(error), now)
        return 0
    if skipped:
        troubles.note_failure(f"{skipped} mails can't be fetched, the others are.", now)
    else:
        troubles.note_success()
    if fetched:
        logger.info("Mail: %s fetched.", fetched)
    return fetched


@contextmanager
def _connected() -> Iterator[BaseMailBox]:
    at: dict[str, Any] = settings.IMAP or {}
    mailbox = _open(at)
    try:
        if at["user"].isascii() and at["password"].isascii():
            mailbox.login(at["user"], at["password"], initial_folder=None)
        else:
            mailbox.login_utf8(at["user"], at["password"], initial_folder=None)
        mailbox.folder.set(at["folder"])
        yield mailbox
        with suppress(*_ERRORS):
            mailbox.logout()
    finally:
        with suppress(*_ERRORS):
            mailbox.client.shutdown()


def _open(at: dict[str, Any]) -> BaseMailBox:
    """Open a connection; certificates are checked against the system's authorities."""
    host, port = at["host"], at["port"]
    if at["security"] == "imaps":
        return MailBox(host, port, timeout=TIMEOUT_SECONDS, ssl_context=ssl.create_default_context())
    if at["security"] == "imap+starttls":
        return MailBoxStartTls(host, port, timeout=TIMEOUT_SECONDS, ssl_context=ssl.create_default_context())
    return MailBoxUnencrypted(host, port, timeout=TIMEOUT_SECONDS)


class _Folder:
    """The folder that is open, to be emptied."""

    def __init__(self, mailbox: BaseMailBox, now: datetime) -> None:
        self._mailbox, self._client, self._now = mailbox, mailbox.client, now
        self._started = time.monotonic()
        self._done_folder: str | None = None

    def empty(self) -> tuple[int, int]:
        """Keep and move every mail; return how many, and how many could not be fetched."""
        fetched = skipped = 0
        uids = self._mailbox.uids("UNDELETED")
        for at in range(0, len(uids), _BATCH):
            for uid, size in self._sizes(uids[at : at + _BATCH]).items():
                if time.monotonic() - self._started > LONGEST_RUN.total_seconds():
                    return fetched, skipped
                try:
                    self._keep(uid, size)
                except (_Skipped, ImapToolsError) as why:
                    logger.warning("A mail can't be fetched: %s", why)
                    skipped += 1
                    continue
                self._move(uid)
                fetched += 1
        return fetched, skipped

    def _keep(self, uid: str, size: int) -> None:
        if size > store.MAX_SIZE:
            headers = self._fetch(uid, "BODY.PEEK[HEADER]")
            store.store_headers(headers, size=size, source="imap", now=self._now)
            return
        try:
            store.store(self._fetch(uid, "BODY.PEEK[]"), source="imap", now=self._now)
        except store.TooBig:
            # The server said less than it gave.
            raise _Skipped("it is bigger than it was said to be")
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            raise _Skipped(type(error).__name__) from error

    def _fetch(self, uid: str, what: str) -> bytes:
        try:
            status, data = self._client.uid("FETCH", uid, f"({what})")
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            raise _Skipped("the server refuses it")
        for part in data:
            # A literal: its head, then the bytes.
            if status == "OK" and isinstance(part, tuple) and isinstance(part[1], bytes):
                return part[1]
        raise _Skipped("the server does not give it")

    def _sizes(self, uids: list[str]) -> dict[str, int]:
        """Return UID and size in bytes of those that are still there, oldest first."""
        status, data = self._client.uid("FETCH", ",".join(uids), "(RFC822.SIZE)")
        if status != "OK":
            raise imaplib.IMAP4.error("the server does not say how big its mails are")
        found = {}
        for line in data:
            text = line if isinstance(line, bytes) else b""
            if match := _SIZE.search(text):
                uid, size = (match[1], match[2]) if match[1] else (match[4], match[3])
                found[uid.decode()] = int(size)
        return dict(sorted(found.items(), key=lambda item: int(item[0])))

    def _move(self, uid: str) -> None:
        """Mark a mail that is kept as read, and move it away."""
        folder = self._done()
        self._client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")
        target = encode_folder(folder)
        if "MOVE" in self._client.capabilities:
            status, _data = self._client.uid("MOVE", uid, target)  # type: ignore[arg-type]  # bytes are sent as they are
            if status == "OK":
                return
        self._mailbox.move([uid], folder)

    def _done(self) -> str:
        """Return the folder for what was fetched, made at need, named as this server names folders."""
        if self._done_folder is None:
            delimiter = next((folder.delim for folder in self._mailbox.folder.list() if folder.delim), "/")
            name = settings.IMAP_DONE_FOLDER.replace("/", delimiter)
            # Some servers keep all folders under the inbox.
            self._done_folder = next(
                (tried for tried in (name, f"INBOX{delimiter}{name}") if self._is_there(tried)), name
            )
        return self._done_folder

    def _is_there(self, folder: str) -> bool:
        if self._mailbox.folder.exists(folder):
            return True
        try:
            self._mailbox.folder.create(folder)
        except ImapToolsError:
            return False
        with suppress(ImapToolsError, imaplib.IMAP4.error):
            self._mailbox.folder.subscribe(folder, True)
        return True


def _words(error: BaseException) -> str:
    """Return what went wrong, in the words of the server or of the system."""
    words = " ".join(str(error).split()) or type(error).__name__
    return "".join(character for character in words if character.isprintable())[:300]
