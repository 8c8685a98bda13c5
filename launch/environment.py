"""The environment of the programs: what the person set wins, the rest follows from the instance."""

from __future__ import annotations

import os

from launch.address import Address
from launch.places import Places, secret
from launch.processes import MARK

# They belong to another Python or another project.
_NOT_OURS = frozenset(
    {
        *("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "DJANGO_SETTINGS_MODULE", "GUNICORN_CMD_ARGS"),
        # Six processes would compile every module again at each start.
        "PYTHONDONTWRITEBYTECODE",
        *("VAR", "VAR_DIR", "HOST", "PORT", "ARGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"),
    }
)

#: Whom the example office has people call.
EXAMPLE_SUPPORT = "+48 22 555 01 44"


def clean_environment() -> dict[str, str]:
    """Return the person's environment without what belongs to another Python, another project or the launcher."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_OURS}


def program_environment(places: Places, *, database_url: str) -> dict[str, str]:
    """Return the environment every program of the instance needs, whatever it serves."""
    env = clean_environment() | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(places.var),
        "DATABASE_URL": database_url,
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }
    if not env.get("SECRET_KEY"):
        env["SECRET_KEY"] = secret(places.secret_key)
    return env


def serving_environment(places: Places, address: Address, *, database_url: str) -> dict[str, str]:
    """Return the environment of the instance that serves at the address; marked, so that leftovers are found."""
    env = program_environment(places, database_url=database_url)
    env[MARK] = places.identity
    if not env.get("BASE_URL"):
        env["BASE_URL"] = address.url
    if not env.get("ALLOWED_HOSTS"):
        env["ALLOWED_HOSTS"] = address.allowed_hosts
    if not env.get("SUPPORT_CONTACT"):
        env["SUPPORT_CONTACT"] = EXAMPLE_SUPPORT
    return env
