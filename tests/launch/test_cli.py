"""What a person reads when a start cannot be: one sentence on stderr, exit code 1, no traceback."""

from __future__ import annotations

import ast
import fcntl
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from launch.places import ROOT


def _launch(
    *arguments: str, var: Path, python: str = sys.executable, **environ: str
) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "VAR": str(var), **environ}
    argv = [python, "-m", "launch", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)


def _one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr.strip()


def test_run_names_the_port_in_use(open_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _launch("run", var=open_folder / "var", PORT=str(port))
    assert _one_sentence(done) == (
        f"Narada: Port {port} on 127.0.0.1 is in use by another program: "
        f"choose another one, for example `make run PORT={port % 65535 + 1}`."
    )


def test_run_names_the_second_instance(open_folder: Path) -> None:
    var = open_folder / "var"
    var.mkdir()
    with (var / "instance.lock").open("w") as held:
        held.write("4711 http://127.0.0.1:8123\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        done = _launch("run", var=var)
        refused = _launch("reset", var=var)
    assert _one_sentence(done) == (
        f"Narada: Narada already uses {var} (process 4711, http://127.0.0.1:8123): "
        "stop it with Ctrl-C or `make stop`, or choose another folder with VAR=."
    )
    assert "already uses" in _one_sentence(refused)


def test_run_names_the_folder_it_cannot_write(open_folder: Path) -> None:
    (open_folder / "var").write_text("")
    assert f"cannot write to {open_folder / 'var'}" in _one_sentence(_launch("run", var=open_folder / "var"))


def test_run_names_a_port_that_is_none(open_folder: Path) -> None:
    assert "PORT=web is not a port" in _one_sentence(_launch("run", var=open_folder / "var", PORT="web"))


def test_reset_leaves_a_folder_that_is_not_narada_s(open_folder: Path) -> None:
    (open_folder / "thesis.odt").write_text("years of work")
    assert "was not made by Narada" in _one_sentence(_launch("reset", var=open_folder))
    assert (open_folder / "thesis.odt").exists()


def test_reset_takes_its_own_folder_and_leaves_another_instance_inside(open_folder: Path) -> None:
    var = open_folder / "var"
    for folder in (var, var / "test", var / "second"):
        folder.mkdir()
        (folder / "instance.lock").write_text("")
    (var / "mail").mkdir()
    (var / "mail" / "1.eml").write_text("Subject: hello")
    done = _launch("reset", var=var)
    assert (done.returncode, done.stdout) == (
        0,
        f"{var} was reset: the next start begins with an empty database.\n",
    )
    assert [path.name for path in var.iterdir()] == ["second"]


def test_entry_file_is_read_by_old_pythons() -> None:
    """The grammar of Python 3.4, the oldest that ast still checks, has neither f-strings nor annotations of names."""
    for name in ("__init__.py", "__main__.py"):
        ast.parse((ROOT / "launch" / name).read_text(), feature_version=(3, 4))


def _old_python() -> str | None:
    names = ("python3.10", "python3.9", "python3.8", "python3.7", "python3.6")
    found = [path for name in names if (path := shutil.which(name))]
    found += [str(path) for path in Path.home().glob(".pyenv/versions/3.[6789].*/bin/python")]
    works = (
        path for path in found if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
    )
    return next(works, None)


def test_run_names_a_python_that_is_too_old(open_folder: Path) -> None:
    python = _old_python()
    if python is None:
        pytest.skip("no Python below 3.11 on this machine")
    sentence = _one_sentence(_launch("run", var=open_folder / "var", python=python))
    assert sentence.startswith("Narada needs Python 3.11 or newer, and ")
    assert "make run PYTHON=python3.12" in sentence
