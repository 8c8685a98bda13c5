"""What may be called: not this machine, not what clouds keep secrets at, and in the open only https."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.bounded_http import NoAnswer, Why, send
from integrations.webhooks.addresses import Fault, as_called, find_fault, is_refused
from tests.integrations.jitsi.inside import Reply, inside


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://chat.urzad.example/hooks/abc?x=1", None),
        ("https://chat.urzad.example:8443/", None),
        ("http://10.20.30.40/panel", None),
        ("http://192.168.1.5:8080/", None),
        ("http://[fd00::12]/", None),
        ("http://panel-kos/", None),
        ("http://panel.urzad.local/", None),
        ("https://8.8.8.8/", None),
        ("http://chat.urzad.example/", Fault.OPEN),
        ("http://8.8.8.8/", Fault.OPEN),
        ("ftp://chat.urzad.example/", Fault.SCHEME),
        ("file:///etc/passwd", Fault.SCHEME),
        ("javascript:alert(1)", Fault.SCHEME),
        ("chat.urzad.example", Fault.SCHEME),
        ("https:///hooks", Fault.NO_URL),
        ("https://chat.urzad.example:99999/", Fault.NO_URL),
        ("https://[::1", Fault.NO_URL),
        ("https://chat urzad.example/", Fault.NO_URL),
        ("https://anna:haslo@chat.urzad.example/", Fault.PASSWORD),
        ("https://chat.urzad.example/#kanal", Fault.FRAGMENT),
        ("https://localhost/", Fault.HERE),
        ("https://x.localhost/", Fault.HERE),
        ("http://127.0.0.1:5432/", Fault.HERE),
        ("http://127.9.9.9/", Fault.HERE),
        ("http://[::1]/", Fault.HERE),
        ("http://[::ffff:127.0.0.1]/", Fault.HERE),
        ("http://0.0.0.0/", Fault.HERE),
        ("http://169.254.169.254/latest/meta-data/", Fault.HERE),
        ("https://169.254.169.254/", Fault.HERE),
        ("http://[fe80::1]/", Fault.HERE),
        ("https://224.0.0.1/", Fault.HERE),
    ],
)
def test_which_addresses_are_called(url: str, fault: Fault | None) -> None:
    assert find_fault(url) == fault


@pytest.mark.parametrize(
    ("typed", "called"),
    [
        (" https://Chat.Urzad.example ", "https://chat.urzad.example/"),
        ("https://żółw.example/haki/ł?q=ż", "https://xn--w-uga1v8h.example/haki/%C5%82?q=%C5%BC"),
        ("https://chat.urzad.example?x=1", "https://chat.urzad.example/?x=1"),
    ],
)
def test_addresses_are_written_as_they_go_over_the_line(typed: str, called: str) -> None:
    assert as_called(typed) == called


def test_this_machine_may_be_opened_and_the_clouds_secrets_never(settings: Any) -> None:
    settings.WEBHOOK_TO_LOCALHOST = True
    assert find_fault("http://127.0.0.1:8065/hooks/x") is None
    assert find_fault("http://localhost/") is None
    assert find_fault("http://169.254.169.254/") == Fault.HERE


def test_a_name_that_leads_here_is_told_nothing() -> None:
    """Written as a number, or as a name of somebody's own, the form can't see it; the connection does."""
    with inside(lambda _asked: Reply()) as server:
        for host in ("localhost", "2130706433", "127.1"):
            url = server.url.replace("127.0.0.1", host)
            with pytest.raises(NoAnswer) as caught:
                send("POST", url, seconds=2, headers={}, data=b"{}", at_most=10, refuses=is_refused)
            assert caught.value.why == Why.FORBIDDEN
        assert server.asked == []
