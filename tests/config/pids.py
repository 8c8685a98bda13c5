"""A web server whose answers are the number of the process that gives them.

`/end` ends whatever answers it, `/slow` takes a second.
"""

import os
import time
from collections.abc import Iterable
from typing import Any

from config.even_worker import EvenThreadWorker


class PatientWorker(EvenThreadWorker):
    """The others may have no processor for a while, where tests run side by side."""

    patience_seconds = 10


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/end":
        raise SystemExit
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
