"""Measures everything on the one database that DATABASE_URL names; one JSON object a line on stdout."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import django

from benchmarks.plans import plans_in

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from benchmarks.figures import Benchmark


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--again", action="store_true", help="leave out what an earlier scale has measured for all")
    parser.add_argument("--plans", type=Path, help="file for the plans of the database")
    arguments = parser.parse_args()
    django.setup()
    logging.disable(logging.INFO)
    from benchmarks import suite  # noqa: PLC0415  app ready
    from benchmarks.bench import Bench  # noqa: PLC0415  app ready
    from benchmarks.meter import Meter  # noqa: PLC0415  app ready

    url = os.environ["DATABASE_URL"]
    with plans_in(arguments.plans) as plans:
        bench = Bench(scale=arguments.scale, meter=Meter(url, plans=plans), database_url=url, quick=arguments.quick)
        failed = _measure(bench, suite.wanted(arguments.only, is_first=not arguments.again))
    return 1 if failed else 0


def _measure(bench: Bench, wanted: Iterable[Benchmark]) -> bool:
    """Print the figures as they come; return whether a benchmark failed."""
    failed = False
    for item in wanted:
        began = time.monotonic()
        try:
            for figure in item.measure(bench):
                print(json.dumps(asdict(figure)), flush=True)
        except Exception:  # one broken benchmark must not cost the figures of the others
            traceback.print_exc()
            failed = True
            bench.undo()
        print(f"  {item.names[0]}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
