"""What holds for every page: WCAG 2.1 AA, no errors, nothing from elsewhere, nothing that sticks out sideways."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.addresses import SPOKEN, Address, all_pages
from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_COLOURS = {"type": "rule", "values": ["color-contrast"]}
_WCAG = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
#: Gives what can have the focus and looks the same with it, itself and everything that may show it instead.
_WITHOUT_RING = """() => {
    const look = it => [it, it.parentElement, it.closest('label'), it.nextElementSibling].filter(Boolean).map(one => {
        const style = getComputedStyle(one);
        return [style.outlineStyle, style.outlineWidth, style.boxShadow];
    }).join();
    const wanted = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    return [...document.querySelectorAll(wanted)].filter(it => it.checkVisibility() && !it.disabled).filter(it => {
        document.activeElement.blur();
        const before = look(it);
        it.focus();
        return document.activeElement === it && look(it) === before;
    }).map(it => it.outerHTML.slice(0, 140));
}"""
_WATCH_SHIFTS = """
    window.shift = 0;
    window.count = shifts => { for (const one of shifts) window.shift += one.value; };
    window.watch = new PerformanceObserver(list => window.count(list.getEntries()));
    window.watch.observe({ type: 'layout-shift', buffered: true });
"""
_HAS_FONT = "document.fonts.check('16px \"Narada Sans\"')"
#: How far things moved until a picture with the fonts was drawn: 1 is the whole window by its whole height.
_SHIFT_WITH_FONTS = """async () => {
    await document.fonts.ready;
    for (let frames = 0; frames < 3; frames += 1) await new Promise(requestAnimationFrame);
    window.count(window.watch.takeRecords());
    return window.shift;
}"""
#: theme, contrast; light without more contrast comes first and is checked in full.
_LOOKS = [("light", "normal"), ("dark", "normal"), ("light", "more"), ("dark", "more")]


class Tour:
    """Visits pages as the people who may see them, in one language on one width."""

    def __init__(self, scene: Scene, visit: Callable[..., Visitor], **choices: Any) -> None:
        self._scene, self._visit, self._choices = scene, visit, choices
        self._visitors: dict[str, Visitor] = {}

    def visitor(self, address: Address) -> Visitor:
        """Return the window of the person who may see this address."""
        if address.who not in self._visitors:
            user = getattr(self._scene.office, address.who) if address.who else None
            self._visitors[address.who] = self._visit(user, **self._choices)
        return self._visitors[address.who]

    def open(self, address: Address) -> Visitor:
        visitor = self.visitor(address)
        answer = visitor.go(address.path)
        assert (address.name, answer.status) == (address.name, address.status)
        # A browser that may say nothing of where it comes from sends forms with "Origin: null", and those that need a
        # token are refused.
        has_form = visitor.page.locator("form [name=csrfmiddlewaretoken]").count() > 0
        assert not has_form or answer.headers["referrer-policy"] == "same-origin", address.name
        return visitor

    def troubles(self) -> list[str]:
        return [text for visitor in self._visitors.values() for text in (*visitor.complaints, *visitor.strangers)]


def violations(visitor: Visitor, *, only_colours: bool = False) -> list[str]:
    """Run axe, on a page that still loads, once it has; returns a line for each violation with its elements."""
    from axe_playwright_python.sync_playwright import Axe

    visitor.page.wait_for_load_state("load")
    if not visitor.page.evaluate("'axe' in window"):
        visitor.page.evaluate(Axe().axe_script)
    options = {"runOnly": _COLOURS if only_colours else _WCAG, "resultTypes": ["violations"]}
    found = visitor.page.evaluate("options => axe.run(options)", options)["violations"]
    return [f"{one['id']}: " + " | ".join(_described(node) for node in one["nodes"][:4]) for one in found]


def _described(node: dict[str, Any]) -> str:
    return f"{node['html'][:160]} ({node.get('failureSummary', '').splitlines()[-1].strip()[:160]})"


def wear(visitor: Visitor, theme: str, contrast: str) -> None:
    """Put the look on the page that is open, as the server writes it."""
    script = "([theme, contrast]) => Object.assign(document.documentElement.dataset, {theme, contrast})"
    visitor.page.evaluate(script, [theme, contrast])


@pytest.mark.parametrize(("width", "language"), [(1440, "pl"), (390, "pl"), (390, "en")])
def test_no_page_breaks_wcag_aa_in_any_look(
    scene: Scene, visit: Callable[..., Visitor], width: int, language: str
) -> None:
    tour = Tour(scene, visit, width=width, language=language)
    found = []
    for address in all_pages(scene):
        visitor = tour.open(address)
        for theme, contrast in _LOOKS if language == "pl" else _LOOKS[:1]:
            wear(visitor, theme, contrast)
            lines = violations(visitor, only_colours=(theme, contrast) != _LOOKS[0])
            if contrast == "normal":
                visitor.picture(f"page-{address.name}")
            found += [f"{address.name}, {theme}, {contrast}: {line}" for line in lines]
    assert found == []
    assert tour.troubles() == []


@pytest.mark.parametrize("language", ["pl", "en"])
def test_every_page_has_one_heading_its_language_and_a_title_of_its_own(
    scene: Scene, visit: Callable[..., Visitor], language: str
) -> None:
    tour = Tour(scene, visit, language=language)
    found: dict[tuple[str, bool], str] = {}
    wrong = []
    for address in all_pages(scene):
        page = tour.open(address).page
        shape = (page.locator("h1").count(), page.locator("main").count(), page.get_attribute("html", "lang"))
        # A guest reads the language of the invitation, whatever the browser wants.
        expected = SPOKEN.get(address.name, language)
        if shape != (1, 1, expected):
            wrong.append((address.name, *shape))
        # Filters and a start time change what a page shows, not which page it is; guests never see the others.
        title, path = page.title().removesuffix(" · Narada"), address.path.partition("?")[0]
        is_taken = found.setdefault((title, address.who == ""), path) != path
        if not title or title == page.title() or is_taken:
            wrong.append((address.name, page.title()))
    assert "\n".join(map(str, wrong)) == ""


def test_nothing_sticks_out_sideways(scene: Scene, visit: Callable[..., Visitor]) -> None:
    """320 css pixels are a window of 1280 at 400 % (WCAG 1.4.10); only boards and tables scroll, in their frames."""
    tour = Tour(scene, visit, width=320, height=256)
    wide = []
    for address in all_pages(scene):
        page = (visitor := tour.open(address)).page
        for width in (320, 768, 1024):
            page.set_viewport_size({"width": width, "height": 256 if width == 320 else 768})
            visitor.wait_until(f"innerWidth === {width}")
            inner, outer = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
            if inner > outer:
                wide.append((address.name, width, inner, _culprits(page)))
    assert wide == []


def _culprits(page: Any) -> list[str]:
    return page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right
            > document.documentElement.clientWidth + 1 && !it.closest('.board, .table-wrap, .sr-only'))
            .slice(0, 4).map(it => it.outerHTML.slice(0, 120))"""
    )


def test_whatever_takes_the_focus_shows_it(scene: Scene, visit: Callable[..., Visitor]) -> None:
    tour = Tour(scene, visit)
    unseen = []
    for address in all_pages(scene):
        visitor = tour.open(address)
        visitor.press("Tab")  # From now on the browser takes the person for somebody with a keyboard.
        unseen += [(address.name, text) for text in visitor.page.evaluate(_WITHOUT_RING)]
    assert unseen == []


def test_an_error_of_ours_is_a_whole_page(
    scene: Scene, visit: Callable[..., Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("bookings.views.board.day_board", fail)
    for width, language in ((1440, "pl"), (390, "en")):
        visitor = visit(scene.office.staff, width=width, language=language)
        assert visitor.go("/").status == 500
        assert violations(visitor) == []
        assert visitor.page.locator("h1").count() == 1
        assert visitor.complaints == []


#: Where other letters are most likely to break a line elsewhere.
_LINES = {"accessibility", "board", "week to come, one site", "series, a moved meeting", "door sheets", "one mail"}


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_moves_when_the_fonts_come_late(scene: Scene, visit: Callable[..., Visitor], width: int) -> None:
    chosen = [address for address in all_pages(scene) if address.name in _LINES]
    assert len(chosen) == len(_LINES)
    for address in chosen:
        visitor = visit(getattr(scene.office, address.who) if address.who else None, width=width)
        visitor.page.add_init_script(_WATCH_SHIFTS)
        let_fonts_come = visitor.hold_back("**/*.woff2")
        visitor.page.goto(address.path, wait_until="commit")
        visitor.wait_until_drawn()
        assert not visitor.page.evaluate(_HAS_FONT)
        let_fonts_come()
        visitor.page.wait_for_load_state("load")
        assert (address.name, visitor.page.evaluate(_SHIFT_WITH_FONTS)) < (address.name, 0.001)
