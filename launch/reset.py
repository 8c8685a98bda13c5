"""`make reset`: back to the first start."""

from __future__ import annotations

import shutil

from launch.console import say
from launch.database import beside
from launch.errors import LaunchError
from launch.instance import is_held, only_instance
from launch.places import Places
from launch.postgres import placement

# Instances beside the main one that belong to it; any other with a lock of its own is somebody's, and stays.
_THROW_AWAY = ("test", "bench", "smoke")


def reset(places: Places) -> int:
    """Remove the instance's database, mails, logins and logs; the environment .venv stays.

    Raises: LaunchError when the instance runs. A server named by DATABASE_URL is not touched.
    """
    if not places.var.is_dir() or not any(places.var.iterdir()):
        say(f"There is nothing to reset in {places.var}.")
        return 0
    if not places.lock.is_file():
        raise LaunchError(f"{places.var} was not made by Narada, so it is left alone.")
    with only_instance(places):
        for name in _THROW_AWAY:
            if is_held(beside(places, name).lock):
                raise LaunchError(f"`make {name}` runs in {places.var / name}: wait for it, then reset.")
            placement.remove(places.var / name / "postgres")
        placement.remove(places.var / "postgres")
        for path in places.var.iterdir():
            if path.is_dir() and not path.is_symlink():
                if path.name in _THROW_AWAY or not (path / places.lock.name).is_file():
                    shutil.rmtree(path)
            elif path != places.lock:
                path.unlink()
        places.lock.unlink()
    say(f"{places.var} was reset: the next start begins with an empty database.")
    return 0
