"""The developer's commands: each prepares the environment and a database of its own, then runs one tool."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from launch.catalogues import compile_stale
from launch.console import say
from launch.database import beside, running_database
from launch.environment import clean_environment, program_environment
from launch.errors import LaunchError
from launch.foreground import in_foreground
from launch.instance import is_held, only_instance
from launch.places import Places, make_var
from launch.signals import stop_raises_interrupt
from launch.venv import BROWSER, DEVELOP, RUN, ensure_venv

_LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


@contextmanager
def _throw_away(places: Places, name: str) -> Iterator[dict[str, str]]:
    """Give the environment with a database of its own under var/<name>, where speed counts more than safety."""
    own = beside(places, name)
    make_var(places)
    make_var(own)
    with stop_raises_interrupt(), only_instance(own):
        ensure_venv(places, lists=(DEVELOP,), log=own.logs / "setup.log")
        env = clean_environment()
        compile_stale(places, env=env, log=own.logs / "setup.log")
        with running_database(own, relaxed=name == "test") as url:
            yield env | {"DATABASE_URL": url}


def test(places: Places, arguments: list[str]) -> int:
    """Run pytest; NARADA_BROWSER=1 installs what the browser tests need first."""
    if os.environ.get("NARADA_BROWSER"):
        make_var(places)
        ensure_venv(places, lists=(BROWSER,), log=places.logs / "setup.log")
    with _throw_away(places, "test") as env:
        argv = [str(places.python), "-m", "pytest", "-n", "3", *arguments]
        return in_foreground(argv, env=env | {"DJANGO_SETTINGS_MODULE": "config.settings_test"}, cwd=places.root)


def check(places: Places, _: list[str]) -> int:
    """Run every check, also after one failed; returns 1 if any did."""
    python = str(places.python)
    with _throw_away(places, "test") as env:
        env |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "check-" * 12,
            "VAR_DIR": str(places.var / "test"),
        }
        production = env | {"BASE_URL": "https://narada.example", "ALLOWED_HOSTS": "narada.example"}
        steps = {
            "ruff": [python, "-m", "ruff", "check", "."],
            "format": [python, "-m", "ruff", "format", "--check", "."],
            "types": [python, "-m", "mypy", "."],
            "imports": [python, "-c", _LINT_IMPORTS],
            "templates": [python, "-m", "djlint", "templates", "--lint", "--quiet"],
            "migrations": [python, "manage.py", "makemigrations", "--check", "--dry-run"],
            "deployment": [python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            "translations": [python, "-m", "launch.checks.translations"],
            "lock files": [python, "-m", "launch.checks.locks"],
        }
        failed = []
        for name, argv in steps.items():
            say(f"--- {name}")
            if in_foreground(argv, env=production if name == "deployment" else env, cwd=places.root) != 0:
                failed.append(name)
    say(f"--- failed: {', '.join(failed)}" if failed else f"--- all {len(steps)} checks passed")
    return 1 if failed else 0


def bench(places: Places, arguments: list[str]) -> int:
    """Run the benchmarks on a database that is as careful as in service."""
    with _throw_away(places, "bench") as env:
        env |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "bench-" * 12,
            "VAR_DIR": str(places.var / "bench"),
        }
        output = str(places.var / "bench.json")
        argv = [str(places.python), "-m", "benchmarks", "--output", output, *arguments]
        return in_foreground(argv, env=env, cwd=places.root)


def smoke(places: Places, arguments: list[str]) -> int:
    """Drive the whole path against an instance that the smoke test starts itself."""
    make_var(places)
    ensure_venv(places, lists=(RUN,), log=places.logs / "setup.log")
    return in_foreground([str(places.python), "-m", "smoke", *arguments], env=clean_environment(), cwd=places.root)


def manage(places: Places, arguments: list[str]) -> int:
    """Run a management command on the instance's database, which is started for it when nothing runs."""
    make_var(places)
    argv = [str(places.python), "manage.py", *arguments]
    if is_held(places.lock):
        url = os.environ.get("DATABASE_URL") or _running_url(places)
        return in_foreground(argv, env=program_environment(places, database_url=url), cwd=places.root)
    with stop_raises_interrupt(), only_instance(places):
        ensure_venv(places, lists=(RUN,), log=places.logs / "setup.log")
        with running_database(places) as url:
            return in_foreground(argv, env=program_environment(places, database_url=url), cwd=places.root)


def _running_url(places: Places) -> str:
    try:
        return places.database_url.read_text().strip()
    except FileNotFoundError:
        raise LaunchError("Narada is still starting here: try again when it is ready.")


def lock(places: Places, arguments: list[str]) -> int:
    """Write the lock files anew; `make lock ARGS=--upgrade` takes the newest versions that fit."""
    make_var(places)
    ensure_venv(places, lists=(DEVELOP,), log=places.logs / "setup.log")
    os.umask(0o022)  # the lock files belong to the project, not to an instance
    command = [str(places.python), "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += [
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-emit-find-links",
        "--custom-compile-command",
        "make lock",
    ]
    pinned: list[str] = []
    for name in (RUN, DEVELOP, BROWSER):
        wishes = name.removesuffix(".txt") + ".in"
        argv = [*command, *pinned, wishes, "--output-file", name, *arguments]
        code = in_foreground(argv, env=clean_environment(), cwd=places.root)
        if code != 0:
            return code
        pinned = ["--constraints", name]
    return in_foreground([str(places.python), "-m", "launch.checks.locks"], env=clean_environment(), cwd=places.root)
