"""Who reads what on the licence desk: IT admins all, managers what is of their sites, all others nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from rooms.models import SiteRole
from tests.factories import Office, make_user
from tests.reports.usage import NOW, at, hold

DESK = "/zarzadzanie/licencje/"
REFUSALS = "/zarzadzanie/licencje/odmowy/"


@pytest.fixture(autouse=True)
def tuesday_morning(db: None) -> Iterator[None]:
    """Tuesday 24 November 2026, 10:30 in Warsaw; nothing is kept from other tests."""
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def english(office: Office) -> None:
    User.objects.update(language="en")


def text_of(response: Any) -> str:
    assert response.status_code == 200
    main = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)
    assert main
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main[0]))


@pytest.mark.parametrize("address", [DESK, REFUSALS, f"{DESK}csv/", f"{DESK}xlsx/"])
def test_the_desk_is_not_there_for_staff_and_strangers(office: Office, staff_client: Client, address: str) -> None:
    assert staff_client.get(address).status_code == 404
    assert Client().get(address).status_code == 302
    newcomer = Client()
    newcomer.force_login(office.newcomer)
    assert newcomer.get(address).status_code == 404


@pytest.mark.parametrize("address", [DESK, REFUSALS, f"{DESK}csv/", f"{DESK}xlsx/"])
def test_managers_and_it_admins_may_read_it(manager_client: Client, admin_client: Client, address: str) -> None:
    assert manager_client.get(address).status_code == 200
    assert admin_client.get(address).status_code == 200
    assert admin_client.post(address).status_code == 405


def test_a_manager_who_may_no_longer_sign_in_is_sent_away(office: Office, manager_client: Client) -> None:
    User.objects.filter(pk=office.manager.pk).update(is_active=False)
    assert manager_client.get(DESK).status_code == 302


def test_a_manager_sees_own_sessions_by_name_and_others_only_as_taken(
    office: Office, english: None, manager_client: Client, admin_client: Client
) -> None:
    own = hold(office.pool, office.koszykowa, at(9), at(10), by=office.staff, title="Komisja stypendialna")
    hold(office.pool, office.taborowa, at(9), at(10), by=office.colleague, title="Przetarg tajny")
    hold(office.pool, office.taborowa, at(9), at(10), by=office.colleague, title="Zamknięta", is_private=True)
    hold(office.pool, office.koszykowa, at(9), at(10), by=office.staff, title="Zamknięta u nas", is_private=True)
    html = manager_client.get(DESK).content.decode()
    assert "Komisja stypendialna" in html
    assert f"/sesje/{own.occurrence.booking.number}/" in html
    # Managers of the host site are insiders, as on the board.
    assert "Zamknięta u nas" in html
    assert "Przetarg tajny" not in html
    assert "Zamknięta<" not in html
    assert html.count(">taken<") >= 2
    assert "Przetarg tajny" in admin_client.get(DESK).content.decode()


def test_the_lender_of_a_closed_session_is_told_no_more_than_that(
    office: Office, english: None, manager_client: Client
) -> None:
    """Taborowa borrows a seat of Koszykowa for one session; Piotr manages Koszykowa."""
    for title, is_private in (("Jawna pożyczka", False), ("Tajna pożyczka", True)):
        hold(
            office.pool,
            office.koszykowa,
            at(9),
            at(10),
            by=office.colleague,
            title=title,
            is_private=is_private,
            host=office.taborowa,
            borrowed_by=office.taborowa,
        )
    text = text_of(manager_client.get(DESK))
    assert "Jawna pożyczka" in text
    assert "borrowed from Koszykowa" in text
    assert "Tajna" not in text
    assert "closed session" in text


def test_what_a_guest_was_invited_to_has_its_name_also_at_another_site(
    office: Office, english: None, manager_client: Client
) -> None:
    hold(office.pool, office.taborowa, at(9), at(10), by=office.manager, title="Moja na Taborowej")
    assert "Moja na Taborowej" in text_of(manager_client.get(DESK))


def test_a_manager_chooses_among_own_sites_only(office: Office, english: None, manager_client: Client) -> None:
    found = manager_client.get(f"{DESK}?lokalizacja=TAB").context["desk"]
    assert [choice.label for choice in found.usage.choices] == ["All", "Koszykowa"]
    assert found.usage.choices[0].is_chosen


def test_navigation_leads_managers_and_it_admins_here(
    office: Office, staff_client: Client, manager_client: Client, admin_client: Client
) -> None:
    for client, is_there in ((staff_client, False), (manager_client, True), (admin_client, True)):
        html = client.get(reverse("account_show")).content.decode()
        assert (f'href="{DESK}"' in html) is is_there
    page = admin_client.get(DESK).content.decode()
    assert f'<a href="{DESK}" aria-current="page">' in page
    assert reverse("admin:index") not in manager_client.get(DESK).content.decode()


def test_a_manager_of_two_sites_reads_both(office: Office, english: None) -> None:
    both = make_user("oba@urzad.example", manages=[office.koszykowa, office.taborowa])
    SiteRole.objects.create(user=both, site=office.biala, role=SiteRole.Role.STAFF)
    for site in (office.koszykowa, office.taborowa, office.biala):
        hold(office.pool, site, at(9), at(10), by=office.it_admin, title=f"Sesja {site.code}")
    User.objects.update(language="en")
    client = Client()
    client.force_login(both)
    text = text_of(client.get(DESK))
    assert "Sesja KOS" in text
    assert "Sesja TAB" in text
    assert "Sesja BIA" not in text
