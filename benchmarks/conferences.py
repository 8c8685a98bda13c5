"""What it takes to let conferences begin: Prosody asks over HTTP, as the web server answers it under `make run`.

It asks about meetings that are about to begin by the real clock, of an office of its own: 200 rooms, a licence each.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from io import BytesIO
from statistics import median
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from benchmarks.bench import Bench
from benchmarks.figures import Figure, benchmark
from benchmarks.web_server import free_port, running_web_server
from bookings.models import Attendee, Booking, LicenceHold, Occurrence, RoomHold, as_range
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import ConferenceServer, ServerAssignment
from rooms.interval import Interval
from rooms.models import LicenceGrant, LicencePool, Room, Site

_CONFERENCES, _CLIENTS, _CALLS, _WAVE_SECONDS = 200, 8, 60, 60.0
_PEOPLE = 4
_TITLE = "Pomiar konferencji"
_numbers = itertools.count(1)
_KIND = "application/x-www-form-urlencoded"


@benchmark("jitsi.post")
def post(bench: Bench) -> Iterator[Figure]:
    """One call that opens a conference, in this process: holds its licence from now on, writes the conference."""
    server = _server(bench)
    names = iter(_meetings(bench, server, bench.calls(_CALLS)))
    headers = {"HTTP_AUTHORIZATION": f"Bearer {key_for(server, Purpose.RESERVATIONS)}"}
    application = get_wsgi_application()

    def ask(_call: int) -> None:
        body = _form(next(names))
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/jitsi/conference",
            "CONTENT_TYPE": _KIND,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            **headers,
        }
        setup_testing_defaults(environ)
        statuses: list[str] = []

        def start(status: str, _headers: list[tuple[str, str]], _error: Any = None, /) -> Any:
            statuses.append(status)
            return BytesIO().write  # WSGI asks for one; Django writes nothing that way

        result = application(environ, start)
        answer = b"".join(result)
        result.close()
        assert statuses == ["200 OK"], (statuses, answer)

    yield from bench.meter.cost(ask, range(bench.calls(_CALLS))).figures("jitsi.post", bench.scale)


@benchmark("jitsi.clients_8", "jitsi.wave")
def over_http(bench: Bench) -> Iterator[Figure]:
    """Eight clients that ask as fast as they are answered; then as many conferences, all within a minute."""
    count = 8 if bench.quick else _CONFERENCES
    server = _server(bench)
    with running_web_server(bench.database_url) as web:
        for name, seconds in (("jitsi.clients_8", 0.0), ("jitsi.wave", 0.5 if bench.quick else _WAVE_SECONDS)):
            names = _meetings(bench, server, count)
            ask, began = partial(_timed_post, web.port, key_for(server, Purpose.RESERVATIONS)), time.monotonic()
            due = [began + seconds * number / count for number in range(count)]
            with ThreadPoolExecutor(count if seconds else _CLIENTS) as pool:
                answers = list(pool.map(ask, names, due))
            took = time.monotonic() - began
            assert {status for status, _ms in answers} == {200}, answers
            walls = sorted(ms for _status, ms in answers)
            yield Figure(f"{name}.p50_ms", bench.scale, median(walls), "ms")
            yield Figure(f"{name}.p99_ms", bench.scale, walls[min(len(walls) - 1, int(len(walls) * 0.99))], "ms")
            yield Figure(f"{name}.max_ms", bench.scale, walls[-1], "ms")
            if not seconds:
                yield Figure(f"{name}.per_s", bench.scale, count / took, "conferences/s")


@benchmark("jitsi.database_away", once=True)
def database_away(bench: Bench) -> Iterator[Figure]:
    """How long a server waits to hear that we can't say, while nobody listens where the database should be."""
    key = key_for(_server(bench), Purpose.RESERVATIONS)
    with running_web_server(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing") as web:
        answers = [_timed_post(web.port, key, "name", 0.0) for _ in range(1 if bench.quick else 3)]
    assert {status for status, _ms in answers} == {503}, answers
    yield Figure("jitsi.database_away.s", bench.scale, max(ms for _status, ms in answers) / 1000, "s")


def _timed_post(port: int, key: str, name: str, at: float) -> tuple[int, float]:
    """Ask over a connection of its own, as Prosody does, at a moment of the monotonic clock."""
    time.sleep(max(0.0, at - time.monotonic()))
    began = time.perf_counter()
    wire = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": _KIND, "Authorization": f"Bearer {key}"}
        wire.request("POST", "/jitsi/conference", _form(name), headers)
        answer = wire.getresponse()
        answer.read()
    finally:
        wire.close()
    return answer.status, (time.perf_counter() - began) * 1000


def _form(name: str) -> bytes:
    start = timezone.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return urlencode({"name": name, "mail_owner": f"{name}@meet.example", "start_time": start}).encode()


def _server(bench: Bench) -> ConferenceServer:
    """Return a conference server; with it come a site with a room and a licence for each conference.

    They stay until the database is dropped: what nobody refers to any more takes minutes to find out.
    """
    server, is_new = ConferenceServer.objects.get_or_create(
        url="https://meet.example", defaults={"name": "Pomiar", "xmpp_domain": "meet.example"}
    )
    if is_new:
        site = Site.objects.create(code="BENCH", name="Pomiar", position=99)
        rooms = (Room(site=site, code=str(number), name=f"Sala {number}", seats=8) for number in range(_CONFERENCES))
        Room.objects.bulk_create(rooms)
        pool = LicencePool.objects.get(is_default=True)
        LicenceGrant.objects.create(pool=pool, seats=_CONFERENCES, valid_from=date(2020, 1, 1))
    return server


def _meetings(bench: Bench, server: ConferenceServer, count: int) -> list[str]:
    """Write meetings that begin in five minutes, one in each room, and return the names of their conferences.

    Past the services, as the history: outside of opening hours nothing could be booked, whenever this runs.
    """
    _undo()
    starts_at = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=5)
    span = Interval(starts_at, starts_at + timedelta(hours=1))
    pool, owner = LicencePool.objects.get(is_default=True), bench.fresh_user()
    rooms = list(Room.objects.filter(site__code="BENCH").order_by("pk")[:count])
    local = {"local_start": f"{span.start_at:%Y-%m-%dT%H:%M}", "local_end": f"{span.end_at:%Y-%m-%dT%H:%M}"}
    bookings = [_booking(owner.pk, room, span.start_at, local) for room in rooms]
    Booking.objects.bulk_create(bookings)
    times = {"original_start_at": span.start_at, "starts_at": span.start_at, "ends_at": span.end_at, **local}
    meetings = Occurrence.objects.bulk_create(Occurrence(booking=booking, **times) for booking in bookings)
    pairs = list(zip(meetings, rooms, strict=True))
    RoomHold.objects.bulk_create(RoomHold(occurrence=one, room=room, period=as_range(span)) for one, room in pairs)
    LicenceHold.objects.bulk_create(
        LicenceHold(occurrence=one, pool=pool, site_id=room.site_id, period=as_range(span)) for one, room in pairs
    )
    Attendee.objects.bulk_create(_people(bookings, span.start_at))
    # As the worker does hours before.
    ServerAssignment.objects.bulk_create(
        ServerAssignment(occurrence=one, server=server, assigned_at=span.start_at, people=_PEOPLE) for one in meetings
    )
    return [booking.conference_name for booking in bookings]


def _booking(owner_id: int, room: Room, at: datetime, local: dict[str, str]) -> Booking:
    number = next(_numbers)
    return Booking(
        number=f"J-{number}",
        uid=f"pomiar-{number}@localhost",
        title=_TITLE,
        organizer_id=owner_id,
        created_by_id=owner_id,
        host_site_id=room.site_id,
        time_zone="Europe/Warsaw",
        stamped_at=at,
        created_at=at,
        changed_at=at,
        **local,
    )


def _people(bookings: Sequence[Booking], at: datetime) -> Iterator[Attendee]:
    for booking in bookings:
        for number in range(_PEOPLE):
            yield Attendee(
                booking=booking,
                email=f"{number}@gmina.example",
                language="pl",
                time_zone="Europe/Warsaw",
                invited_at=at,
            )


def _undo() -> None:
    """Free rooms and licences of the meetings before."""
    mine = Booking.objects.filter(title=_TITLE).values("pk")
    RoomHold.objects.filter(live=True, occurrence__booking__in=mine).update(live=False)
    LicenceHold.objects.filter(live=True, occurrence__booking__in=mine).update(live=False)
