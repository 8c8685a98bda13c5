from __future__ import annotations

from pathlib import Path

from launch.postgres.sockets import LONGEST_SOCKET_BYTES, fits, is_private, private_folder

SUFFIX = len("/.s.PGSQL.5432")


def test_fits_up_to_the_kernels_limit_in_bytes() -> None:
    longest = "/" + "a" * (LONGEST_SOCKET_BYTES - SUFFIX - 1)
    assert fits(Path(longest))
    assert not fits(Path(longest + "a"))
    assert not fits(Path(longest[:-1] + "ż"))  # one letter, two bytes


def test_fits_refuses_what_a_connection_address_cannot_say() -> None:
    assert fits(Path("/srv/sala ścieżek"))
    assert not fits(Path("/srv/a,b"))
    assert not fits(Path("/srv/a\nb"))


def test_private_folder_stays_inside_when_it_fits(open_folder: Path) -> None:
    folder = private_folder(open_folder / "socket", identity="abc", environ={})
    assert folder == open_folder / "socket"
    assert is_private(folder)


def test_private_folder_prefers_the_persons_runtime_folder(open_folder: Path) -> None:
    runtime = open_folder / "runtime"
    runtime.mkdir(mode=0o700)
    long = open_folder / ("ż" * 80)
    folder = private_folder(long, identity="abc", environ={"XDG_RUNTIME_DIR": str(runtime)})
    assert folder == runtime / "narada-abc"
    assert is_private(folder)


def test_private_folder_uses_no_runtime_folder_that_others_may_enter(open_folder: Path) -> None:
    runtime = open_folder / "runtime"
    runtime.mkdir(mode=0o755)
    runtime.chmod(0o755)
    long = open_folder / ("ż" * 80)
    folder = private_folder(long, identity=open_folder.name, environ={"XDG_RUNTIME_DIR": str(runtime)})
    assert folder.parent == Path("/tmp")
    assert folder.name.endswith(open_folder.name)
    folder.rmdir()


def test_private_folder_follows_no_link_that_someone_laid_out(open_folder: Path) -> None:
    runtime = open_folder / "runtime"
    runtime.mkdir(mode=0o700)
    (open_folder / "theirs").mkdir(mode=0o700)
    (runtime / "narada-abc").symlink_to(open_folder / "theirs")
    long = open_folder / ("ż" * 80)
    folder = private_folder(long, identity="abc", environ={"XDG_RUNTIME_DIR": str(runtime)})
    assert folder != runtime / "narada-abc"
    assert is_private(folder)
    folder.rmdir()
