"""Every benchmark runs, on a small database of its own. How long anything takes is no claim of these tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from benchmarks import databases, suite

ROOT = Path(__file__).resolve().parents[2]
HOLDS = 2_000


def server_url() -> str:
    return os.environ["DATABASE_URL"]


@pytest.fixture
def prefix(db: None) -> str:
    """What the names of this test's databases begin with; parallel runs of the suite have their own."""
    return f"{connection.settings_dict['NAME']}_bench"


def run_benchmarks(tmp_path: Path, *arguments: str) -> tuple[str, list[dict[str, object]]]:
    output = tmp_path / "bench.json"
    argv = [sys.executable, "-m", "benchmarks", "--quick", "--drop", "--output", str(output), *arguments]
    env = {name: value for name, value in os.environ.items() if name not in {"SCALES", "ONLY", "BENCH_SCALE"}}
    env |= {"DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": str(tmp_path), "BASE_URL": "http://localhost"}
    run = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout, json.loads(output.read_text())


@pytest.mark.skipif(
    not os.environ.get("CI") and not os.environ.get("NARADA_BENCHMARKS"),
    reason="half a minute for tools of development: runs in CI, or with NARADA_BENCHMARKS=1 make test",
)
def test_every_benchmark_yields_its_figures_and_leaves_no_database(tmp_path: Path, prefix: str) -> None:
    table, figures = run_benchmarks(tmp_path, "--scales", str(HOLDS), "--prefix", prefix, "--plans")
    assert all(set(figure) == {"name", "scale", "value", "unit"} for figure in figures)
    assert {figure["scale"] for figure in figures} == {HOLDS}
    values = {str(figure["name"]): figure["value"] for figure in figures}
    assert len(values) == len(figures), "each name once"
    for item in suite.wanted([]):
        for name in item.names:
            assert any(found.startswith(f"{name}.") for found in values), name
    assert all(name in table for name in values)
    for race in ("race", "race_overlapping", "race_of_two"):
        found = (values[f"{race}.double_bookings"], values[f"{race}.single_winner"], values[f"{race}.errors"])
        assert found == (0, 2, 0), race
    plans = (tmp_path / f"plans-{HOLDS}.txt").read_text()
    assert "== book_series" in plans
    assert "on bookings_roomhold" in plans or "no plans" in plans, "without auto_explain the file says so"
    with psycopg.connect(server_url()) as server:
        left = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]).fetchall()
    assert left == []


def test_address_of_another_database_keeps_socket_folder_and_options() -> None:
    url = "postgresql://narada:pa%2Fss@%2Fvar%2Fza%C5%BC%C3%B3%C5%82%C4%87/narada?sslmode=disable"
    assert databases.address(url, "narada_bench_10") == url.replace("/narada?", "/narada_bench_10?")
