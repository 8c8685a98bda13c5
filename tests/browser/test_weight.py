"""What a first visit to a page costs on an old line: bytes, and lines that jump while it arrives."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.addresses import all_pages
from tests.browser.scene import Scene
from tests.browser.test_every_page import Tour

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_MOST_BYTES = 100_000
_COMPRESSED = ".woff2"
_PICTURES = (".png", ".jpg", ".webp")

_WATCH_SHIFTS = """
    window.moved = [];
    new PerformanceObserver(list => {
        for (const one of list.getEntries()) {
            if (one.hadRecentInput) continue;
            const what = one.sources.map(it => it.node?.nodeName + '.' + it.node?.className).join();
            window.moved.push([one.startTime, one.value, what]);
        }
    }).observe({ type: 'layout-shift', buffered: true });
    // Two pictures after the fonts came, their letters stand where they will.
    window.fontsAt = Infinity;
    addEventListener('load', async () => {
        await document.fonts.ready;
        for (let frames = 0; frames < 2; frames += 1) await new Promise(requestAnimationFrame);
        window.fontsAt = performance.now();
    });
"""


class Scales:
    """Weighs what a page asks for as a server sends it: compressed, each file once."""

    def __init__(self) -> None:
        self._files: dict[str, int] = {}

    def weigh(self, page: Any) -> int:
        asked = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        files = {url for url in asked if "/static/" in url and not url.endswith(_PICTURES)}
        return len(gzip.compress(page.content().encode())) + sum(self._file(page, url) for url in files)

    def _file(self, page: Any, url: str) -> int:
        if url not in self._files:
            body = page.request.get(url).body()
            self._files[url] = len(body) if url.endswith(_COMPRESSED) else len(gzip.compress(body))
        return self._files[url]


def test_a_first_visit_brings_less_than_100_kb(scene: Scene, visit: Callable[..., Visitor]) -> None:
    """Page, style, behaviour and fonts, before pictures."""
    tour, scales = Tour(scene, visit), Scales()
    heavy, heaviest = [], (0, "")
    for address in all_pages(scene):
        visitor = tour.open(address)
        weight = scales.weigh(visitor.page)
        heaviest = max(heaviest, (weight, address.name))
        if weight > _MOST_BYTES:
            heavy.append((address.name, weight))
    print(f"The heaviest page is {heaviest[1]} with {heaviest[0] / 1000:.1f} kB.")
    assert heavy == []


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_jumps_while_a_page_arrives(scene: Scene, visit: Callable[..., Visitor], width: int) -> None:
    """0.01 is a hundredth of the window moved by its whole height.

    Letters that take the place of the stand-in's may move lines by as much as `test_every_page` lets them; once the
    fonts are there, nothing moves that can be seen.
    """
    tour = Tour(scene, visit, width=width)
    watched: set[str] = set()
    jumpy = []
    for address in all_pages(scene):
        visitor = tour.visitor(address)
        if address.who not in watched:
            visitor.page.add_init_script(_WATCH_SHIFTS)
            watched.add(address.who)
        tour.open(address)
        visitor.page.wait_for_timeout(400)
        moved, fonts_at = visitor.page.evaluate("[window.moved, window.fontsAt]")
        before = sum(value for at, value, _what in moved if at <= fonts_at)
        after = sum(value for at, value, _what in moved if at > fonts_at)
        if before >= 0.02 or after >= 0.01:
            jumpy.append(f"{address.name}: {before:.4f}, then {after:.4f}: {moved[:3]}")
    assert "\n".join(jumpy) == ""
