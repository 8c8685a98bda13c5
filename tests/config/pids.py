"""An application that answers with the number of its process, for the tests of the web server."""

import os
from collections.abc import Iterable
from typing import Any


def application(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
