"""Fills an empty database with an office of 100 rooms on 3 sites and its history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Contact, Institution, User
from rooms.models import Equipment, LicenceGrant, LicencePool, OpeningHours, Room, Site, SiteRole, SiteShare

ROOMS, USERS, CONTACTS = 100, 120, 56
#: An office plans about half a year ahead; whatever more there is lies in the past.
FUTURE_DAYS = 130
#: What a day of 100 rooms holds, to know how many days are needed; the SQL stops at the exact number.
_HOLDS_PER_DAY = 500
_HISTORY = Path(__file__).with_name("history.sql")
_TABLES = [
    "bookings_booking",
    "bookings_occurrence",
    "bookings_attendee",
    "bookings_roomhold",
    "bookings_licencehold",
    "bookings_bookingevent",
    "notifications_message",
]


def build(*, holds: int) -> None:
    """Migrate and fill the empty database that the settings name; constraints hold when it returns.

    Raises: AssertionError when the licences are over-used or the number of holds is not as asked.
    """
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    pool = _make_office()
    _plan(holds, pool)
    with connection.cursor() as cursor, _without_indexes(cursor):
        cursor.execute("SET synchronous_commit = off; SET maintenance_work_mem = '256MB'; SET work_mem = '64MB'")
        # They look at each statement as a whole, by indexes that are not there now.
        for table in _TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(_HISTORY.read_text())
        for table in _TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_plan")
        cursor.execute("VACUUM (ANALYZE)")
        _verify(cursor, holds, pool)
    connection.close()


@contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    """Take off what makes inserting a row at a time slow and put it back afterwards, where it is checked as a whole."""
    cursor.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = ANY (%s::regclass[]) AND contype IN ('f', 'u', 'x') ORDER BY contype = 'f', oid",
        [_TABLES],
    )
    constraints = cursor.fetchall()
    for table, name, _definition in reversed(constraints):
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY (%s::regclass[]) AND NOT indisprimary ORDER BY indexrelid",
        [_TABLES],
    )
    indexes = cursor.fetchall()
    for name, _definition in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _name, definition in indexes:
        cursor.execute(definition)
    for table, name, definition in constraints:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _plan(holds: int, pool: LicencePool) -> None:
    """Write down what history.sql works from: how much, on which days, in which rooms, for whom."""
    today = timezone.localdate()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_plan AS SELECT %s::int AS holds, %s::bigint AS pool_id", [holds, pool.pk])
        cursor.execute("CREATE UNLOGGED TABLE bench_day (rank int, day date, is_past boolean)")
        cursor.executemany("INSERT INTO bench_day VALUES (%s, %s, %s)", list(_days(today, holds)))
        cursor.execute(
            "CREATE UNLOGGED TABLE bench_room AS SELECT (n / 3)::int AS row_no, (n % 3)::int AS place, id AS room_id,"
            " site_id, setup, clearing FROM (SELECT *, row_number() OVER (ORDER BY id) - 1 AS n FROM rooms_room) AS r"
        )
        cursor.execute(
            "CREATE UNLOGGED TABLE bench_user AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id AS user_id,"
            " email, name FROM accounts_user WHERE NOT is_it_admin"
        )
        cursor.execute(
            "CREATE UNLOGGED TABLE bench_contact AS SELECT row_number() OVER (ORDER BY id) - 1 AS n,"
            " id AS contact_id, email, name, language FROM accounts_contact"
        )
        cursor.execute("ANALYZE bench_day, bench_room, bench_user, bench_contact")


def _days(today: date, holds: int) -> Iterator[tuple[int, date, bool]]:
    """Yield weekdays, the nearest first: as many ahead as behind, until those ahead are enough."""
    needed = holds // _HOLDS_PER_DAY + 2
    ahead, behind = today, today
    for rank in range(needed):
        if rank % 2 == 0 and rank < 2 * FUTURE_DAYS:
            ahead = _weekday_from(ahead, timedelta(days=1))
            yield rank, ahead, False
        else:
            behind = _weekday_from(behind, timedelta(days=-1))
            yield rank, behind, True


def _weekday_from(day: date, step: timedelta) -> date:
    day += step
    while day.weekday() > 4:
        day += step
    return day


def _make_office() -> LicencePool:
    codes = [("KOS", "Koszykowa 16"), ("TAB", "Taborowa 33"), ("BIA", "Biała Podlaska")]
    sites = Site.objects.bulk_create(
        Site(code=code, name=name, short_name=name, city="Warszawa", phone="22 000 00 00", position=n)
        for n, (code, name) in enumerate(codes, start=1)
    )
    OpeningHours.objects.bulk_create(
        OpeningHours(site=site, weekday=weekday, opens=time(7), closes=time(19))
        for site in sites
        for weekday in range(5)
    )
    _make_rooms(sites)
    _make_people(sites)
    pool = LicencePool.objects.create(name="System wideokonferencji", is_default=True)
    # Enough for every room at once: what is measured is the guard's work, not its refusals.
    LicenceGrant.objects.create(pool=pool, seats=120, valid_from=date(2010, 1, 1))
    SiteShare.objects.bulk_create(
        SiteShare(pool=pool, site=site, seats=35, valid_from=date(2010, 1, 1)) for site in sites
    )
    return pool


def _make_rooms(sites: list[Site]) -> None:
    camera, loop, step_free = Equipment.objects.bulk_create(
        Equipment(code=code, name=name, icon=icon)
        for code, name, icon in [
            ("kamera-dokumentowa", "kamera dokumentowa", "doc"),
            ("petla-indukcyjna", "pętla indukcyjna", "ear"),
            ("dostepna", "dostępna", "wheel"),
        ]
    )
    prepared = {"setup": timedelta(minutes=5), "clearing": timedelta(minutes=10)}
    rooms = Room.objects.bulk_create(
        Room(
            site=sites[n % 3],
            code=f"{1 + n // 15}.{n % 15:02d}",
            name=f"Sala wideo {1 + n // 15}.{n % 15:02d}",
            floor=str(n // 15),
            seats=(4, 6, 8, 12, 20, 40)[n % 6],
            position=n,
            **(prepared if n // 3 % 4 == 0 else {}),
        )
        for n in range(ROOMS)
    )
    link = Room.equipment.through
    link.objects.bulk_create(
        link(room_id=room.pk, equipment_id=item.pk)
        for n, room in enumerate(rooms)
        for item, every in ((camera, 2), (loop, 5), (step_free, 3))
        if n % every == 0
    )


def _make_people(sites: list[Site]) -> None:
    users = User.objects.bulk_create(
        [
            User(email=f"pracownik.{n}@urzad.example", name=f"Pracownik Numer {n}", phone=f"44{n:02d}", password="!")
            for n in range(USERS)
        ]
        + [User(email="it@urzad.example", name="Ewa Łukasik", is_it_admin=True, password="!")]
    )
    SiteRole.objects.bulk_create(
        SiteRole(user=user, site=sites[n % 3], role=SiteRole.Role.MANAGER if n < 3 else SiteRole.Role.STAFF)
        for n, user in enumerate(users[:USERS])
    )
    institutions = Institution.objects.bulk_create(
        Institution(code=f"I{n}", name=f"Urząd Wojewódzki {n}") for n in range(CONTACTS)
    )
    Contact.objects.bulk_create(
        Contact(
            institution=institution,
            name=institution.name,
            email=f"wideo.{n}@urzad-wojewodzki.example",
            language="en" if n % 8 == 0 else "pl",
        )
        for n, institution in enumerate(institutions)
    )


def _verify(cursor: Any, holds: int, pool: LicencePool) -> None:
    """Look at the whole result: holds as many as asked (whole sessions, so up to two fewer), licences not over-used."""
    cursor.execute("SELECT count(*) FROM bookings_roomhold WHERE live")
    (found,) = cursor.fetchone()
    assert holds - 2 <= found <= holds, f"{found} holds instead of {holds}"
    cursor.execute(
        "SELECT licence_first_overuse(%s, true, tstzrange(day::timestamptz, day + interval '1 day'))"
        " FROM (SELECT DISTINCT date_trunc('day', starts_at) AS day FROM bookings_occurrence ORDER BY day DESC LIMIT 9)"
        " AS sample",
        [pool.pk],
    )
    assert all(at is None for (at,) in cursor.fetchall()), "the licences are over-used"
