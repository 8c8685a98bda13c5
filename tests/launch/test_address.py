from __future__ import annotations

import socket

import pytest

from launch.address import Address, address_from, listen
from launch.errors import LaunchError


def test_address_from_nothing_is_this_machine_alone() -> None:
    address = address_from({})
    assert (address.url, address.allowed_hosts) == ("http://127.0.0.1:8000", "127.0.0.1,localhost,[::1]")


def test_address_from_everywhere_names_hosts_and_never_all_of_them() -> None:
    address = address_from({"HOST": "0.0.0.0", "PORT": "8123"})
    assert address.url == "http://127.0.0.1:8123"
    assert socket.gethostname() in address.allowed_hosts.split(",")
    assert "*" not in address.allowed_hosts


def test_address_of_ipv6_is_bracketed() -> None:
    assert Address("::1", 80).url == "http://[::1]:80"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "٣"])
def test_address_from_refuses_what_is_no_port(port: str) -> None:
    with pytest.raises(LaunchError, match=f"PORT={port} is not a port"):
        address_from({"PORT": port})


def test_listen_names_the_port_in_use_and_another() -> None:
    with listen(Address("127.0.0.1", _free_port())) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LaunchError) as refused:
            listen(Address("127.0.0.1", port))
    assert f"Port {port} on 127.0.0.1 is in use" in refused.value.sentence
    assert f"make run PORT={port + 1}" in refused.value.sentence


def test_listen_names_a_host_that_is_not_here() -> None:
    with pytest.raises(LaunchError, match=r"HOST=192\.0\.2\.1 is no address of this machine"):
        listen(Address("192.0.2.1", _free_port()))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
