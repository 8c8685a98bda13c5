"""`make smoke`: starts an instance of its own, walks the whole path over HTTP, stops it again.

Exit code 0 when every step shows what it should, 1 at the first that does not. PORT= names the port (default: a free
one).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from smoke.journey import WARSAW, Failed, Journey, working_day_from
from smoke.mails import Folder
from smoke.web import HttpVisitor

ROOT = Path(__file__).resolve().parent.parent
JITSI_URL = "https://meet.example"
START_SECONDS = 180


def main() -> int:
    var = Path(os.environ.get("VAR") or ROOT / "var") / "smoke"
    shutil.rmtree(var, ignore_errors=True)
    port = int(os.environ.get("PORT") or _free_port())
    try:
        with _instance(var, port) as base_url:
            login = _staff_login(var)
            _journey(base_url, var, login).run()
    except Failed as failed:
        print(f"FAIL {failed}", file=sys.stderr)
        return 1
    print("ok   the whole path")
    return 0


def _journey(base_url: str, var: Path, login: tuple[str, str]) -> Journey:
    email, password = login
    return Journey(
        staff=HttpVisitor(base_url),
        guest=HttpVisitor(base_url),
        inbox=Folder(var / "mail"),
        email=email,
        password=password,
        base_url=base_url,
        jitsi_url=JITSI_URL,
        day=working_day_from(datetime.fromtimestamp(time.time(), WARSAW).date()),
    )


@contextmanager
def _instance(var: Path, port: int) -> Iterator[str]:
    """Run `make run` beside whatever else runs, with settings by which doors open and reminders come days ahead."""
    var.mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if name not in {"EMAIL_URL", "BASE_URL", "ALLOWED_HOSTS"}}
    env |= {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "VAR": str(var),
        "JITSI_URL": JITSI_URL,
        "JOIN_OPENS_MINUTES": str(14 * 24 * 60),
        "REMINDER_LEADS": "14d",
        # It is tried at any hour.
        "REMINDER_QUIET": "",
        "MAIL_COALESCE_SECONDS": "2",
        "CANCEL_UNDO_SECONDS": "1",
    }
    log = var / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "launch", "run"], cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT
        )
    base_url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, base_url, log)
        yield base_url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], base_url: str, log: Path) -> None:
    began = time.monotonic()
    while time.monotonic() - began < START_SECONDS:
        if process.poll() is not None:
            raise Failed(f"start an instance: it stopped with code {process.returncode}\n{log.read_text()[-2000:]}")
        # The instance prints its welcome last, when the logins exist.
        if f"{base_url}" in log.read_text() and _answers(base_url + "/readyz"):
            print(f"ok   start an instance on {base_url} ({time.monotonic() - began:.1f} s)")
            return
        time.sleep(0.3)
    raise Failed(f"start an instance: not ready after {START_SECONDS} s\n{log.read_text()[-2000:]}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _staff_login(var: Path) -> tuple[str, str]:
    logins = json.loads((var / "demo-logins.json").read_text())
    staff = next(login for login in logins if login["role"] == "staff")
    return staff["email"], staff["password"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
