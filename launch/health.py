"""Asks the web server whether it answers, and whether database and worker do."""

from __future__ import annotations

import http.client

from launch.address import Address

_TIMEOUT_SECONDS = 1.0


def answers(address: Address, path: str) -> bool:
    """Tell whether GET `path` is answered with 200."""
    connection = http.client.HTTPConnection(address.reachable, address.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{address.port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
