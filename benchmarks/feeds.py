"""What a calendar costs that programs read all day: written anew, and when they have it already."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.conf import settings

from accounts.models import User
from benchmarks.bench import Bench
from benchmarks.browser import Browser
from benchmarks.figures import Figure, benchmark
from integrations.feeds import services
from integrations.feeds.addresses import calendar_url, free_busy_url
from integrations.feeds.models import CalendarFeed
from rooms.models import Room, Site

# Below what the pace of one address allows.
_CALLS = 20


def _measure(bench: Bench, name: str, feed: CalendarFeed, *, calls: int) -> Iterator[Figure]:
    """Yield the whole answer, the answer to who has it, what it weighs, and how many events it holds."""
    program = Browser(None)
    path = calendar_url(feed).removeprefix(settings.BASE_URL)
    first = program.get(path)
    yield from bench.meter.cost(program.get, [path] * calls).figures(name, bench.scale)
    known = partial(program.get, known=first.headers["ETag"])
    yield from bench.meter.cost(known, [path] * calls).figures(f"{name}_known", bench.scale)
    yield Figure(f"{name}.kb_compressed", bench.scale, len(first.body) / 1000, "kB")


def _feed(owner: User, to: Room | Site | None, bench: Bench, *, detail: str = "titles") -> CalendarFeed:
    return services.create_feed(owner, to, detail=detail, now=bench.now)


@benchmark("feed.mine", "feed.mine_known")
def mine(bench: Bench) -> Iterator[Figure]:
    """The calendar of somebody of the staff, with descriptions and join links."""
    feed = _feed(bench.fresh_user(), None, bench, detail="full")
    yield from _measure(bench, "feed.mine", feed, calls=bench.calls(_CALLS))


@benchmark("feed.room", "feed.room_known", "feed.free_busy")
def room(bench: Bench) -> Iterator[Figure]:
    """The calendar of a busy room, and its free and busy times."""
    feed = _feed(bench.fresh_user(), Room.objects.order_by("pk").first(), bench)
    yield from _measure(bench, "feed.room", feed, calls=bench.calls(_CALLS))
    program, path = Browser(None), free_busy_url(feed).removeprefix(settings.BASE_URL)
    # Another address: the pace is that of the first.
    yield from bench.meter.cost(program.get, [path] * bench.calls(_CALLS // 2)).figures("feed.free_busy", bench.scale)


@benchmark("feed.site", "feed.site_known")
def site(bench: Bench) -> Iterator[Figure]:
    """The calendar of a site: a third of all rooms."""
    feed = _feed(bench.fresh_user(), Site.objects.order_by("pk").first(), bench)
    yield from _measure(bench, "feed.site", feed, calls=bench.calls(5))
