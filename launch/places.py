"""Where everything lies: the checkout, its virtual environment, and the var folder of one instance."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from launch.errors import LaunchError

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Places:
    """The folders of one instance. Two instances of one checkout differ in `var` alone."""

    root: Path
    var: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter in the virtual environment. Not resolved: the link is what makes it that environment's."""
        return self.venv / "bin" / "python"

    @property
    def lock(self) -> Path:
        return self.var / "instance.lock"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def database_url(self) -> Path:
        """Holds the address of the embedded database, for `manage.py` in another terminal (config.settings)."""
        return self.var / "database_url"

    @property
    def secret_key(self) -> Path:
        return self.var / "secret_key"

    @property
    def demo_mark(self) -> Path:
        """Exists when this instance imported the example office, and so may show its logins."""
        return self.var / "demo"

    @property
    def static_stamp(self) -> Path:
        return self.var / "static.stamp"

    @property
    def identity(self) -> str:
        """16 hex digits that name this var folder; processes started for it carry them in their environment."""
        return hashlib.sha256(os.fsencode(self.var)).hexdigest()[:16]


def places_from(environ: os._Environ[str] | dict[str, str]) -> Places:
    """Return the places for VAR or VAR_DIR; a relative one counts from the checkout."""
    chosen = environ.get("VAR") or environ.get("VAR_DIR") or "var"
    return Places(root=ROOT, var=Path(os.path.realpath(ROOT / Path(chosen).expanduser())))


def make_var(places: Places) -> None:
    """Create the var folder and its private folders.

    Root's database server runs as another user, who has to pass through `var` but must not list it.
    Raises: LaunchError when a folder can't be written.
    """
    try:
        if not places.var.is_dir():
            places.var.mkdir(parents=True)
            places.var.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for name in ("log", "mail", "broker", "broker/queue", "broker/control"):
            (places.var / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LaunchError(f"Narada cannot write to {places.var}: {error.strerror}.")
    if not os.access(places.var, os.W_OK | os.X_OK):
        raise LaunchError(f"Narada cannot write to {places.var}: choose another folder, for example `make run VAR=…`.")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def secret(path: Path) -> str:
    """Return the secret kept in a 0600 file; it is made the first time."""
    if not path.is_file() or not path.read_text().strip():
        write_private(path, secrets.token_urlsafe(48) + "\n")
    return path.read_text().strip()
