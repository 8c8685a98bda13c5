"""What has the focus is in sight, whatever bars stay at the edges of the window (WCAG 2.4.11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: Says what lies over the middle of what has the focus, or nothing; „end” after the last stop of the page.
_COVERED_BY = """async () => {
    // The browser scrolls with one of the next pictures.
    for (let frames = 0; frames < 3; frames += 1) await new Promise(requestAnimationFrame);
    const it = document.activeElement;
    if (it === document.body) return 'end';
    const box = it.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const is_label = [...(it.labels ?? [])].some(one => one.contains(top));
    if (top?.contains(it) || it.contains(top) || is_label || !box.width) return '';
    return `${it.outerHTML.slice(0, 90)} under ${top?.outerHTML.slice(0, 60)}`;
}"""


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (390, 844), (320, 256)])
def test_no_bar_lies_over_what_has_the_focus(
    scene: Scene, visit: Callable[..., Visitor], width: int, height: int
) -> None:
    visitor = visit(scene.office.staff, width=width, height=height)
    covered = []
    for path in ("/rezerwacja/", f"/sesje/{scene.coming.number}/"):
        visitor.go(path)
        for stop in range(150):
            visitor.press("Tab")
            found = visitor.page.evaluate(_COVERED_BY)
            if found == "end":
                assert stop > 20
                break
            covered += [found] if found else []
        else:
            raise AssertionError(f"{path} has no end")
    assert covered == []
