"""A worker that sends what is due until nothing is, and says what it cost: `python -m benchmarks.outflow_worker NOW`.

Says "ready", waits for a line, sends, says what it did, and waits for another line before it ends: as long as its
connection to the database lives, the database's part of the cost can be read.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import datetime, timedelta

import django


def main() -> None:
    django.setup()
    logging.disable(logging.INFO)
    from django.db import connection  # noqa: PLC0415  app ready

    from notifications import claims, delivery  # noqa: PLC0415  app ready

    now = datetime.fromisoformat(sys.argv[1])
    # A worker that has run for a while has read its templates and its translations.
    claims.claim(now - timedelta(days=3650))
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    began, sent = time.process_time_ns(), 0
    while (tally := delivery.deliver_due(now)) != delivery.Tally():
        sent += tally.sent
    print(json.dumps({"sent": sent, "cpu_ns": time.process_time_ns() - began}), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
