"""`python -m benchmarks`: measure on a database of each scale, print a table, write the figures as JSON.

DATABASE_URL names a database of a server whose role may create others; ours begin with `narada_bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import django

from benchmarks.databases import database_with, drop_all
from benchmarks.figures import Figure
from benchmarks.table import lines

_ROOT = Path(__file__).resolve().parent.parent
SCALES = (10_000, 100_000)
FULL_SCALES = (*SCALES, 1_000_000)


def main() -> int:
    arguments = _arguments()
    django.setup()
    server_url = os.environ["DATABASE_URL"]
    _prepare_folders()
    figures: list[Figure] = []
    code = 0
    for scale in arguments.scales:
        began = time.monotonic()
        print(f"{scale:,} holds", file=sys.stderr)
        with database_with(scale, server_url=server_url, prefix=arguments.prefix) as url:
            print(f"  database: {time.monotonic() - began:.1f} s", file=sys.stderr)
            flags = ["--quick"] * arguments.quick + ["--again"] * bool(figures)
            if arguments.plans:
                flags += ["--plans", str(Path(arguments.output).with_name(f"plans-{scale}.txt"))]
            found, failed = _measure(scale, url, only=arguments.only, flags=flags)
        figures += found
        code = max(code, failed)
    if arguments.drop:
        drop_all(server_url=server_url, prefix=arguments.prefix)
    print("\n".join(lines(figures)))
    if any("application only" in figure.unit for figure in figures):
        print(
            "The database runs elsewhere or hides its processes: its CPU could not be read and is not in the figures."
        )
    output = Path(arguments.output)
    output.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
    print(f"Written to {output}", file=sys.stderr)
    return code


def _arguments() -> argparse.Namespace:
    environ = os.environ
    scales = [int(scale) for scale in environ.get("SCALES", "").split()]
    default = scales or (FULL_SCALES if environ.get("BENCH_SCALE") == "full" else SCALES)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--output", default=str(_ROOT / "var" / "bench.json"), help="file for the figures")
    parser.add_argument("--scales", type=int, nargs="+", default=list(default), help="numbers of holds (SCALES=)")
    parser.add_argument(
        "--only", nargs="*", default=environ.get("ONLY", "").split(), help="patterns such as service.* (ONLY=)"
    )
    parser.add_argument("--quick", action="store_true", help="as few calls as possible: only to see that all runs")
    parser.add_argument("--plans", action="store_true", help="write the database's plans beside the figures")
    parser.add_argument("--prefix", default="narada_bench", help="what the names of the databases begin with")
    parser.add_argument("--drop", action="store_true", help="keep no database for the next run")
    return parser.parse_args()


def _prepare_folders() -> None:
    """Make what the application expects to find: folders of the broker, static files by their hashed names."""
    var = Path(os.environ.get("VAR_DIR", _ROOT / "var"))
    for name in ("broker/queue", "broker/control", "mail"):
        (var / name).mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "manage.py", "collectstatic", "--no-input", "--clear", "--verbosity", "0"]
    subprocess.run(argv, cwd=_ROOT, check=True)


def _measure(scale: int, database_url: str, *, only: Sequence[str], flags: Sequence[str]) -> tuple[list[Figure], int]:
    """Measure in a process of its own, so that settings, pools and caches begin anew.

    Returns the figures and the exit code, 1 when a benchmark failed; the others' figures stand.
    """
    argv = [sys.executable, "-m", "benchmarks.one_scale", "--scale", str(scale), *flags]
    argv += ["--only", *only] if only else []
    run = subprocess.run(
        argv, env=os.environ | {"DATABASE_URL": database_url}, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    return [Figure(**json.loads(line)) for line in run.stdout.splitlines()], min(run.returncode, 1)


if __name__ == "__main__":
    sys.exit(main())
