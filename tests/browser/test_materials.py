"""Files and notes in a real browser: added in a dialog, read by a guest on a small screen without script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from bookings import services
from bookings.models import Attendee, Material
from integrations.jitsi.links import token_for
from tests.bookings.material_files import PDF
from tests.bookings.requests import NOW
from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOTE = "Prosimy o akta sprawy.\nProgram: https://www.gov.example/program-posiedzenia?dzien=24\n\nWejście od podwórza."


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_the_organizer_adds_a_file_and_takes_it_away(
    scene: Scene, visit: Callable[..., Visitor], tmp_path: Path, java_script_enabled: bool
) -> None:
    services.add_note(scene.coming, "Prosimy przynieść", NOTE, by=scene.office.staff, now=NOW)
    file = tmp_path / "Porządek obrad.pdf"
    file.write_bytes(PDF)
    visitor = visit(scene.office.staff, java_script_enabled=java_script_enabled, width=1440)
    page = visitor.page
    address = reverse("booking_show", args=[scene.coming.number])
    visitor.go(address)
    for data in (b"not a PDF", PDF):
        file.write_bytes(data)
        page.click("a[href*='/materialy/plik/']") if data != PDF else None
        page.set_input_files("#id_file", file)
        visitor.picture(f"materials-{'dialog' if java_script_enabled else 'page'}-{data[:3].decode()}")
        page.click("form[enctype] [type=submit]")
        page.wait_for_load_state("load")
    page.wait_for_selector("#materials")
    assert page.url.endswith(f"{address}#materials")
    visitor.picture("materials-session")
    with page.expect_download() as found:
        page.click(".people .doc")
    assert found.value.suggested_filename == "Porządek obrad.pdf"
    assert Path(found.value.path()).read_bytes() == PDF
    pk = Material.objects.get(name="Porządek obrad.pdf").pk
    page.click(f"a[href*='/materialy/{pk}/usuniecie/']")
    page.wait_for_selector(".btn--danger[type=submit]:visible")
    visitor.picture(f"materials-remove-{'dialog' if java_script_enabled else 'page'}")
    page.click(".dialog__foot .btn--danger[type=submit]")
    page.wait_for_load_state("load")
    page.wait_for_selector("#materials")
    assert not Material.objects.filter(pk=pk).exists()
    assert visitor.complaints == []


def test_a_guest_reads_them_at_320_pixels_without_script(scene: Scene, visit: Callable[..., Visitor]) -> None:
    long = "Sprawozdanie_z_kontroli_wewnetrznej_" * 4 + ".pdf"
    for name in ("Porządek obrad.pdf", long):
        services.add_file(scene.coming, name, PDF + name.encode(), by=scene.office.staff, now=NOW)
    services.add_note(scene.coming, "Prosimy przynieść", NOTE, by=scene.office.staff, now=NOW)
    guest = Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example")
    for width in (320, 390, 1440):
        visitor = visit(width=width, java_script_enabled=False)
        visitor.go(reverse("guest_page", args=[token_for(guest)]))
        visitor.picture("materials-guest")
    page = visit(width=320, java_script_enabled=False).page
    page.goto(reverse("guest_page", args=[token_for(guest)]))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download() as found:
        page.click(".doc >> nth=0")
    assert found.value.suggested_filename == "Porządek obrad.pdf"
    assert page.get_attribute(".note a", "rel") == "noopener noreferrer nofollow"
