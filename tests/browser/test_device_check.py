"""Camera, microphone, speakers and network are tested in a real browser with devices that are made up."""

from __future__ import annotations

import base64
import hashlib
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from pytest_django.live_server_helper import LiveServer

from bookings.models import Attendee
from integrations.jitsi.links import token_for
from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.servers import likely_server
from tests.browser.conftest import _ARGUMENTS, _CHROMIUM
from tests.browser.scene import Scene
from tests.browser.test_every_page import violations

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# The STUN server of these tests is on this machine, where WebRTC looks for none.
_DEVICES = [
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
    "--allow-loopback-in-peer-connection",
]
_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3


class _Conference(socketserver.StreamRequestHandler):
    """Answers every request and takes every WebSocket, as a conference server does."""

    def handle(self) -> None:
        lines = list(iter(lambda: self.rfile.readline().strip(), b""))
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        self.server.paths.append(lines[0].split()[1].decode())  # type: ignore[attr-defined]  # put there by the fixture
        if key := headers.get(b"sec-websocket-key"):
            accept = base64.b64encode(hashlib.sha1(key + _ACCEPT, usedforsecurity=False).digest())
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
            self.wfile.write(b"Sec-WebSocket-Protocol: xmpp\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            self.rfile.read(2)
        else:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


class _Stun(socketserver.BaseRequestHandler):
    """Answers a Binding Request with an address of the network that lies between (RFC 5389 15.2)."""

    def handle(self) -> None:
        request, socket = self.request
        if not self.server.is_silent:  # type: ignore[attr-defined]  # put there by the fixture
            port, address = 40_000 ^ 0x2112, int.from_bytes(bytes([203, 0, 113, 5])) ^ 0x2112A442
            mapped = struct.pack("!HHBBHI", 0x0020, 8, 0, 1, port, address)
            socket.sendto(struct.pack("!HH", 0x0101, len(mapped)) + request[4:20] + mapped, self.client_address)


@pytest.fixture
def stun() -> Iterator[Any]:
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Stun) as server:
        server.is_silent = False  # type: ignore[attr-defined]  # as a firewall makes it
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def conference() -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conference) as server:
        server.paths = []  # type: ignore[attr-defined]  # what was asked for
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def with_devices(chromium: Any, live_server: LiveServer) -> Iterator[Callable[..., Visitor]]:
    """Open a browser that has a camera and a microphone, and lets pages use them."""
    # Whoever has no playwright skips these tests, but can read them.
    from tests.browser.visitor import Visitor as Person

    browser = chromium.browser_type.launch(executable_path=_CHROMIUM, args=[*_ARGUMENTS, *_DEVICES])
    yield lambda **choices: Person.arrive(browser, live_server.url, **choices)
    browser.close()


@pytest.fixture
def check(scene: Scene, conference: Any) -> str:
    """Return the path of the page; the meeting's server is one that answers."""
    server = likely_server(scene.coming.occurrences.get())
    assert server is not None
    ConferenceServer.objects.filter(pk=server.pk).update(url=f"http://localhost:{conference.server_address[1]}")
    guest = Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example")
    return f"/g/{token_for(guest)}/sprawdzenie/?lang=en"


def state(visitor: Visitor, name: str, wanted: str) -> None:
    visitor.page.wait_for_selector(f"[data-check={name}][data-state={wanted}]", state="attached", timeout=30_000)


def tested_at(scene: Scene) -> object:
    return Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example").devices_tested_at


def test_everything_works_and_is_noted_as_tested(
    scene: Scene, conference: Any, check: str, with_devices: Callable[..., Visitor]
) -> None:
    visitor = with_devices(width=390)
    visitor.go(check)
    assert not visitor.page.is_visible("[data-check-plain]")
    state(visitor, "server", "works")
    state(visitor, "socket", "works")
    state(visitor, "media", "unknown")
    assert sorted(conference.paths) == ["/http-bind", "/xmpp-websocket"]
    assert tested_at(scene) is None
    visitor.page.click("[data-act=begin]")
    state(visitor, "camera", "works")
    state(visitor, "microphone", "works")
    state(visitor, "result", "saved")
    assert visitor.page.is_visible("text=is noted as tested")
    assert tested_at(scene) is not None
    assert violations(visitor) == []
    visitor.page.click("[data-act=play]")
    visitor.page.click("[data-act=heard]")
    state(visitor, "speaker", "works")
    # The pictures end with the visit, whichever way one leaves.
    tracks = "document.querySelector('video').srcObject?.getTracks().map((track) => track.readyState) ?? []"
    assert visitor.page.evaluate(tracks) == ["live"]
    visitor.page.click("[data-act=end]")
    assert visitor.page.evaluate(tracks) == []
    assert visitor.complaints == []
    strangers = {urlsplit(address).netloc for address in visitor.strangers}
    assert strangers <= {f"localhost:{conference.server_address[1]}"}
    visitor.leave()


def test_what_does_not_work_has_words_of_its_own(
    scene: Scene, check: str, conference: Any, visit: Callable[..., Visitor]
) -> None:
    """In a browser without devices, then one that lends none, is busy with another program, or is too old."""
    conference.shutdown()
    conference.server_close()
    visitor = visit(width=390)
    visitor.go(check)
    state(visitor, "server", "failed")
    assert visitor.page.is_visible("text=ask your IT department to open localhost, TCP port")
    for error, word, words in (
        ("NotAllowedError", "denied", "does not let this page use the microphone"),
        ("NotFoundError", "missing", "No microphone was found"),
        ("NotReadableError", "busy", "Another program uses the microphone"),
    ):
        visitor.page.evaluate(
            "name => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', name); }; }",
            error,
        )
        visitor.page.click("[data-act=begin]")
        state(visitor, "camera", word)
        state(visitor, "microphone", word)
        assert visitor.page.is_visible(f"text={words}")
    assert violations(visitor) == []
    visitor.page.set_viewport_size({"width": 320, "height": 640})
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 320
    visitor.page.click("[data-act=without]")
    state(visitor, "camera", "none")
    assert tested_at(scene) is None
    visitor.page.add_init_script("delete Navigator.prototype.mediaDevices;")
    visitor.go(check)
    assert visitor.page.is_visible("text=This browser can't use camera and microphone on a page")
    assert visitor.page.is_visible("[data-check-plain]")
    assert not visitor.page.is_visible("[data-check-all]")


def test_without_script_it_says_what_to_check_and_takes_no_for_an_answer(
    scene: Scene, check: str, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(width=320, java_script_enabled=False)
    visitor.go(check)
    assert visitor.page.is_visible("text=The check of this page needs a current browser")
    assert not visitor.page.is_visible("[data-check-all]")
    visitor.page.click("button[value=room]")
    assert visitor.page.is_visible("text=Nothing has to be tested on this device.")
    assert tested_at(scene) is not None
    assert visitor.complaints == []


@pytest.mark.parametrize(("is_silent", "state_of_media"), [(False, "works"), (True, "blocked")])
def test_whether_udp_passes_is_tested_where_a_stun_server_is_named(
    scene: Scene, check: str, stun: Any, with_devices: Callable[..., Visitor], is_silent: bool, state_of_media: str
) -> None:
    stun.is_silent = is_silent
    ConferenceServer.objects.update(stun_address=f"127.0.0.1:{stun.server_address[1]}")
    visitor = with_devices(width=390)
    visitor.go(check)
    state(visitor, "media", state_of_media)
    assert visitor.page.is_visible("text=Ask your IT department to open localhost, UDP port 10000") == is_silent
    visitor.leave()
