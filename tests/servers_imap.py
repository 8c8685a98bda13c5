"""A real IMAP server for tests: Debian's dovecot as a child process, with one mailbox and a folder of its own."""

from __future__ import annotations

import imaplib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.servers import free_port, wait_until

USER, PASSWORD = "narada@urzad.example", "sekret-do-skrzynki"

_CONFIG = """
instance_name = narada-test
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {internal_group}
first_valid_uid = {uid}
mail_location = maildir:{folder}/mail/%u{layout}
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class ImapServer:
    """Dovecot on 127.0.0.1: in the clear, with STARTTLS where there is a certificate, and with TLS on `tls_port`."""

    def __init__(self, folder: Path, *, certificate: Path | None = None, layout: str = "") -> None:
        self.port, self.tls_port = free_port(), free_port()
        (folder / "mail").mkdir()
        root = os.getuid() == 0
        user = pwd.getpwnam("mail" if root else pwd.getpwuid(os.getuid()).pw_name)
        own = pwd.getpwuid(os.getuid()).pw_name
        if root:
            folder.chmod(0o755)
            shutil.chown(folder / "mail", user.pw_uid, user.pw_gid)
        values = {
            "folder": folder,
            "internal": "dovecot" if root else own,
            "internal_group": "dovecot" if root else "$default_internal_user",
            "login": "dovenull" if root else own,
            "uid": user.pw_uid,
            "gid": user.pw_gid,
            "layout": layout,
            "ssl": "yes" if certificate else "no",
            "certificate": f"ssl_cert = <{certificate}\nssl_key = <{certificate}" if certificate else "",
            "password": PASSWORD,
            "port": self.port,
            "tls_port": self.tls_port,
        }
        self._folder = folder
        config = folder / "dovecot.conf"
        config.write_text(_CONFIG.format(**values))
        self._process = subprocess.Popen(
            [_dovecot(), "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def wait_until_ready(self) -> ImapServer:
        wait_until(self._answers, timeout_seconds=20)
        return self

    def settings(self, *, security: str = "imap", **values: Any) -> dict[str, Any]:
        """Return what `settings.IMAP` is for this server."""
        port = self.tls_port if security == "imaps" else self.port
        at = {"host": "localhost", "port": port, "security": security, "user": USER, "password": PASSWORD}
        return {**at, "folder": "INBOX", **values}

    def deliver(self, *mails: bytes) -> None:
        """Put mails into the inbox, as a mail server would."""
        with self.connected() as client:
            for raw in mails:
                status, words = client.append("INBOX", None, None, raw)
                assert status == "OK", words

    def holds(self, folder: str) -> list[tuple[bytes, bool]]:
        """Return the mails of a folder, and whether each is marked as read. No such folder: none."""
        with self.connected() as client:
            if client.select(f'"{folder}"', readonly=True)[0] != "OK":
                return []
            numbers = client.search(None, "ALL")[1][0].split()
            found = []
            for number in numbers:
                data = client.fetch(number, "(FLAGS BODY.PEEK[])")[1]
                # Flags stand before the bytes or after them.
                rest = b"".join(part if isinstance(part, bytes) else part[0] for part in data)
                found.append((data[0][1], b"\\Seen" in rest))
            return found

    @contextmanager
    def connected(self) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port, 10)
        client.login(USER, PASSWORD)
        try:
            yield client
        finally:
            client.logout()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            said = self._process.stderr.read() if self._process.stderr else b""
            log = self._folder / "dovecot.log"
            raise RuntimeError(f"dovecot ended: {said!r} {log.read_text() if log.exists() else ''}")
        with suppress(OSError, imaplib.IMAP4.error), self.connected():
            return True
        time.sleep(0.05)
        return False


def require_dovecot() -> None:
    """Skip the test where there is no dovecot; CI has to have it."""
    if _dovecot() or os.environ.get("CI") == "true":
        assert _dovecot(), "CI needs dovecot-imapd"
        return
    pytest.skip("dovecot is not installed (Debian: dovecot-imapd)")


@contextmanager
def imap_server(**options: Any) -> Iterator[ImapServer]:
    require_dovecot()
    # Short: the path of a Unix socket has 108 characters at most.
    with tempfile.TemporaryDirectory(prefix="imap-", dir="/tmp") as folder:
        server = ImapServer(Path(folder), **options)
        try:
            yield server.wait_until_ready()
        finally:
            server.stop()


def _dovecot() -> str:
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin") or ""
