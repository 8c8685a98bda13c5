"""The address the web server listens at, and the names it may be called by."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from launch.errors import LaunchError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  recognised, not bound by default
_HERE = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Address:
    """host: as given in HOST. port: 1 to 65535."""

    host: str
    port: int

    @property
    def reachable(self) -> str:
        """A host under which this machine reaches the server."""
        return _EVERYWHERE.get(self.host, self.host)

    @property
    def url(self) -> str:
        host = f"[{self.reachable}]" if ":" in self.reachable else self.reachable
        return f"http://{host}:{self.port}"

    @property
    def allowed_hosts(self) -> str:
        """ALLOWED_HOSTS: this machine's names, never `*`, since links in mails rest on them."""
        names = [f"[{self.host}]" if ":" in self.host else self.host, *_HERE]
        if self.host in _EVERYWHERE:
            names = [*_HERE, socket.gethostname(), *_outward_addresses()]
        return ",".join(dict.fromkeys(names))


def address_from(environ: Mapping[str, str]) -> Address:
    """Read HOST and PORT. Raises: LaunchError when PORT is no port."""
    text = environ.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise LaunchError(f"PORT={text} is not a port: choose a number from 1 to 65535.")
    return Address(host=environ.get("HOST") or "127.0.0.1", port=int(text))


def listen(address: Address) -> socket.socket:
    """Take the port now; the web server inherits the socket and no one can come between.

    Raises: LaunchError in one sentence for a port in use, a port reserved for root, or an unknown host.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise LaunchError(f"HOST={address.host} is no address of this machine.")
    family, kind, protocol, _, where = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(where)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise LaunchError(_sentence(address, error))
    return listener


def _sentence(address: Address, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {address.port} on {address.host} is in use by another program: "
            f"choose another one, for example `make run PORT={address.port % 65535 + 1}`."
        )
    if error.errno == errno.EACCES:
        return f"Port {address.port} is reserved for root: choose one above 1023, for example `make run PORT=8000`."
    return f"HOST={address.host} is no address of this machine."


def _outward_addresses() -> list[str]:
    """The address other machines of the network see; a UDP socket finds it without sending anything."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737
        return [str(probe.getsockname()[0])]
    except OSError:
        return []
    finally:
        probe.close()
