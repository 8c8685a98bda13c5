"""The scripts beside a recorder, run as they are against a server that listens."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import ConferenceServer, Recording

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not (shutil.which("jq") and shutil.which("curl")), reason="curl or jq is not installed"),
]
SCRIPTS = Path(settings.ROOT) / "deploy/jitsi/recordings"


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / script, *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_recording_is_told_and_deleted_when_its_time_is_over(live_server: Any, tmp_path: Path) -> None:
    server = ConferenceServer.objects.create(name="m", url="https://m.example", xmpp_domain="m.example")
    environment = {
        "NARADA_URL": live_server.url,
        "NARADA_RECORDINGS_KEY": key_for(server, Purpose.RECORDINGS),
        "RECORDINGS": str(tmp_path),
    }
    folder = tmp_path / "abcdefgh"
    folder.mkdir()
    (folder / "narada ąę_2026-11-24-11-05-00.mp4").write_bytes(b"film")
    metadata = {"meeting_url": "https://m.example/x", "participants": [{"name": "Jan Nowak"}], "initiator": None}
    (folder / "metadata.json").write_text(json.dumps(metadata))

    done = run("finalize.sh", str(folder), **environment)
    assert (done.returncode, done.stderr) == (0, "")
    recording = Recording.objects.get()
    assert recording.file_name == "narada ąę_2026-11-24-11-05-00.mp4"
    assert (recording.session_id, recording.size_bytes) == ("abcdefgh", 4)
    assert recording.sha256 == hashlib.sha256(b"film").hexdigest()

    assert run("delete-due.sh", **environment).returncode == 0
    assert (folder / recording.file_name).exists()
    Recording.objects.update(keep_until=timezone.localdate() - timedelta(days=1))
    Recording.objects.create(
        server=server,
        session_id="..",
        file_name="precious",
        size_bytes=1,
        sha256="0" * 64,
        filed_at=timezone.now(),
        keep_until=timezone.localdate() - timedelta(days=2),
    )
    (tmp_path.parent / "precious").write_text("outside of the folder")
    done = run("delete-due.sh", **environment)
    assert (done.returncode, done.stderr) == (0, "Left alone: ../precious\n")
    assert not (folder / recording.file_name).exists()
    assert (tmp_path.parent / "precious").exists()
    recording.refresh_from_db()
    assert recording.deleted_at is not None


def test_wrong_key_is_an_error_that_jibri_logs(live_server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"film")
    done = run("finalize.sh", str(tmp_path), NARADA_URL=live_server.url, NARADA_RECORDINGS_KEY="1-" + "a" * 26)
    assert done.returncode != 0
    assert "401" in done.stderr
