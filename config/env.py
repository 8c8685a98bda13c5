"""Reads the environment into typed values; the names, units and defaults are listed in .env.example."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "smtps": 465}
_IMAP_PORTS = {"imap": 143, "imap+starttls": 143, "imaps": 993}
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_durations(text: str, *, name: str) -> tuple[timedelta, ...]:
    """Return durations from `24h,15m`, longest first.

    Raises: ImproperlyConfigured naming the setting and the part that can't be read.
    """
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = re.fullmatch(r"(\d{1,4})([mhd])", part)
        if not match:
            raise ImproperlyConfigured(f"{name}: {part!r} is not a number followed by m, h or d, such as 24h or 15m.")
        found.append(timedelta(**{_UNITS[match[2]]: int(match[1])}))
    return tuple(sorted(set(found), reverse=True))


def parse_database_url(url: str) -> dict[str, Any]:
    """Return Django's DATABASES entry for a `postgresql://` address.

    The host may be a percent-encoded folder of a Unix socket (libpq's own spelling), with spaces and any letters.
    Query parameters become libpq options. Raises: ImproperlyConfigured for any other kind of database.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            "DATABASE_URL must begin with postgresql://; Narada keeps its data in PostgreSQL only."
        )
    credentials, _, address = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    # urlsplit().hostname lower-cases, which would spoil the folder of a socket.
    host, _, port = address.partition(":")
    return {
        "ENGINE": "config.pooled_postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(user),
        "PASSWORD": unquote(password),
        "HOST": unquote(host),
        "PORT": port,
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def parse_email_url(url: str, *, name: str = "EMAIL_URL") -> dict[str, Any]:
    """Return Django's EMAIL_* settings for the address of a mail server; `name` is the setting that it came from.

    `smtp://host` in the clear (port 25), `smtp+tls://user:password@host` with STARTTLS (587), `smtp+ssl://` or
    `smtps://` with TLS from the start (465). Letters that mean something in addresses are percent-encoded in name and
    password.
    Raises: ImproperlyConfigured for anything else, without repeating the password.
    """
    parts = urlsplit(url)
    if parts.scheme not in _MAIL_PORTS or not parts.hostname:
        raise ImproperlyConfigured(
            f"{name} must look like smtp+tls://user:password@mail.example.org:587; it may begin with smtp://, "
            "smtp+tls:// or smtp+ssl://."
        )
    try:
        port = parts.port or _MAIL_PORTS[parts.scheme]
    except ValueError:
        raise ImproperlyConfigured(f"{name}: the port is not a number from 1 to 65535.") from None
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme in {"smtp+ssl", "smtps"},
    }


def parse_imap_url(url: str) -> dict[str, Any] | None:
    """Return where to fetch incoming mail, None for an empty address: host, port, security, user, password, folder.

    `imaps://user:password@host/INBOX` with TLS from the start (port 993), `imap+starttls://` with STARTTLS (143),
    `imap://` in the clear, which is for a server on the same machine. Percent-encoded as in EMAIL_URL; without a folder
    it is INBOX. Raises: ImproperlyConfigured for anything else, without repeating the password.
    """
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in _IMAP_PORTS or not parts.hostname or not parts.username or not parts.password:
        raise ImproperlyConfigured(
            "IMAP_URL must look like imaps://user:password@mail.example.org/INBOX; it may begin with imaps://, "
            "imap+starttls:// or, on one machine, imap://."
        )
    try:
        port = parts.port or _IMAP_PORTS[parts.scheme]
    except ValueError:
        raise ImproperlyConfigured("IMAP_URL: the port is not a number from 1 to 65535.") from None
    return {
        "host": parts.hostname,
        "port": port,
        "security": parts.scheme,
        "user": unquote(parts.username),
        "password": unquote(parts.password),
        "folder": unquote(parts.path.strip("/")) or "INBOX",
    }


def parse_quiet_hours(text: str, *, name: str) -> tuple[time, time] | None:
    """Return from when until when nobody is reminded, from `21:00-06:00`; None for an empty text.

    Raises: ImproperlyConfigured naming the setting.
    """
    if not text.strip():
        return None
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", text.strip())
    hours = match and (time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4])))
    if not hours or hours[0] == hours[1]:
        raise ImproperlyConfigured(f"{name} must be two different times of day, such as 21:00-06:00.")
    return hours


def parse_date(text: str, *, name: str) -> date:
    """Return the day from `2026-11-22`. Raises: ImproperlyConfigured naming the setting."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a day such as 2026-11-22.") from None


def parse_time_of_day(text: str, *, name: str) -> time | None:
    """Return a time of day from `15:00`, None for an empty text. Raises: ImproperlyConfigured naming the setting."""
    if not text.strip():
        return None
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text.strip())
    if not match:
        raise ImproperlyConfigured(f"{name} must be a time of day such as 15:00.")
    return time(int(match[1]), int(match[2]))


def parse_weekly(text: str, *, name: str) -> tuple[int, time] | None:
    """Return weekday (as `date.weekday()`) and time from `mon 07:00`, None for an empty text.

    Raises: ImproperlyConfigured naming the setting.
    """
    if not text.strip():
        return None
    day, _, at = text.strip().lower().partition(" ")
    clock = parse_time_of_day(at, name=name) if day in _WEEKDAYS else None
    if clock is None:
        raise ImproperlyConfigured(f"{name} must be a day and a time such as mon 07:00.")
    return _WEEKDAYS.index(day), clock


def parse_limits(text: str, *, name: str) -> dict[str, int]:
    """Return mails per minute by domain from `*=600,gmail.com=60`; `*` is every other domain, 0 is no limit.

    Raises: ImproperlyConfigured naming the setting and the part that can't be read.
    """
    limits = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = re.fullmatch(r"(\*|[a-z0-9.-]+)=(\d{1,6})", part.lower())
        if not match:
            raise ImproperlyConfigured(f"{name}: {part!r} is not a domain and mails per minute, such as gmail.com=60.")
        limits[match[1]] = int(match[2])
    return limits


def jitsi_algorithm(given: str, *, secret: str) -> str:
    """Return how tokens for the conference server are signed: RS256 unless something else is said.

    Who had given us Prosody's secret before there were keys of our own goes on with it. Raises: ImproperlyConfigured.
    """
    algorithm = given or ("HS256" if secret else "RS256")
    if algorithm not in {"RS256", "HS256"}:
        raise ImproperlyConfigured("JITSI_ALGORITHM must be RS256 or HS256.")
    return algorithm


def stun_address(text: str) -> str:
    """Return host and port of a STUN server, or an empty string. Raises: ImproperlyConfigured."""
    address = text.strip().lower()
    if address and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?", address):
        raise ImproperlyConfigured("JITSI_STUN_ADDRESS must be a host, perhaps with a port: meet.example.org:3478.")
    return address


def secret_from(path: Path) -> str:
    """Return the content of a secret file, or an empty string where there is none."""
    return path.read_text().strip() if path.is_file() else ""
