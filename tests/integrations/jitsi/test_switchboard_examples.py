"""The examples in deploy/telephone/ read what we answer. Lua runs here with a switchboard that only writes down."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from integrations.jitsi import servers
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import DialInPin
from tests.bookings.requests import NOW
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telephones import make_numbers

EXAMPLES = settings.ROOT / "deploy" / "telephone"
LUA = shutil.which("lua") or shutil.which("lua5.4")
# Four PINs are typed; what the web answers stands in files 1, 2, 3 …
SWITCHBOARD = """
local typed, asked = {"481120338", "", "481120337"}, 0
io.popen = function(command)
  print("curl", command:match("id=%S*"), command:match("caller=%S*"))
  asked = asked + 1
  return io.open(arg[1] .. "/" .. asked)
end
session = {
  answer = function() print("answer") end,
  ready = function() return true end,
  hangup = function() print("hangup") end,
  sleep = function(_, ms) print("sleep", ms) end,
  streamFile = function(_, file) print("say", file) end,
  playAndGetDigits = function() return table.remove(typed, 1) or "" end,
  getVariable = function() return "+48 601 000 001; rm -rf /" end,
  setVariable = function(_, name, value) print("set", name, value) end,
  execute = function(_, name, value) print(name, value) end,
}
dofile(arg[2])
"""


@pytest.mark.skipif(LUA is None, reason="needs lua")
def test_freeswitch_lets_the_right_pin_in_and_passes_nothing_but_digits_on(session: Session, tmp_path: Path) -> None:
    make_numbers()
    DialInPin.objects.create(booking=session.booking, pin="481120337", created_at=NOW)
    key = key_for(servers.all_servers()[0], Purpose.DIAL_IN)
    with time_machine.travel(session.at(), tick=False):
        for number, pin in enumerate(("481120338", "481120337"), start=1):
            response = Client(headers={"Authorization": f"Bearer {key}"}).post("/jitsi/dial-in/conference", {"id": pin})
            (tmp_path / str(number)).write_bytes(response.content)
    (tmp_path / "switchboard.lua").write_text(SWITCHBOARD)
    assert LUA
    run = [LUA, str(tmp_path / "switchboard.lua"), str(tmp_path), str(EXAMPLES / "narada_pin.lua")]
    found = subprocess.run(run, capture_output=True, text=True, check=True, timeout=10).stdout.splitlines()
    room = f"{session.booking.conference_name}@conference.meet.urzad.example"
    assert [re.sub(r"eyJ\S+", "TOKEN", line) for line in found] == [
        "answer",
        "curl\tid=481120338\tcaller=48601000001",
        "say\tnarada-wrong.wav",
        "curl\tid=481120337\tcaller=48601000001",
        f"set\tsip_h_Jitsi-Conference-Room\t{room}",
        "set\tsip_h_Jitsi-Auth-Token\tTOKEN",
        "bridge\tsofia/internal/jigasi@jitsi.example.org;transport=tcp",
    ]


def test_asterisk_reads_the_names_that_we_write() -> None:
    text = (EXAMPLES / "extensions.conf").read_text()
    read = set(re.findall(r"JSON_DECODE\(ANSWER,([\w.-]+)", text))
    assert read == {"conference", "retry_after", "message", "headers.Jitsi-Auth-Token"}
    # Once outside of the loop: every Set adds a header, and two of them are no key any more.
    assert text.index("CURLOPT(httpheader)") < text.index("n(ask)")
