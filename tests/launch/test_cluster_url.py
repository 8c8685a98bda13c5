from __future__ import annotations

from pathlib import Path

import psycopg

from config.env import parse_database_url
from launch.postgres.cluster import database_url

FOLDER = Path("/srv/Sala Ścieżek/50% #1?@:ą")
PASSWORD = "p@ss/word:1"


def test_database_url_is_read_the_same_by_the_settings_and_by_libpq() -> None:
    url = database_url(FOLDER, password=PASSWORD)
    settings = parse_database_url(url)
    libpq = psycopg.conninfo.conninfo_to_dict(url)
    assert (settings["HOST"], settings["USER"], settings["PASSWORD"], settings["NAME"]) == (
        str(FOLDER),
        "narada",
        PASSWORD,
        "narada",
    )
    assert libpq == {"host": str(FOLDER), "user": "narada", "password": PASSWORD, "dbname": "narada"}
