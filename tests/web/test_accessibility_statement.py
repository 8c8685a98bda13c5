"""The accessibility statement has what the Act of 4 April 2019 and the ministry's technical conditions ask for."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from django.urls import reverse

from config.env import parse_date

pytestmark = pytest.mark.django_db

_IDS = [
    *("wstep", "podmiot", "url", "data-publikacja", "data-aktualizacja", "status", "data-sporzadzenie", "audytor"),
    *("kontakt", "osoba", "email", "telefon", "procedura", "architektura", "aplikacje"),
]


def statement(language: str = "pl") -> str:
    return Client(headers={"Accept-Language": language}).get(reverse("accessibility")).content.decode()


@pytest.mark.parametrize("language", ["pl", "en"])
def test_every_required_part_is_there_once(language: str) -> None:
    html = statement(language)
    assert {name: html.count(f'id="a11y-{name}"') for name in _IDS} == dict.fromkeys(_IDS, 1)
    assert 'href="https://bip.brpo.gov.pl/"' in html


def test_dates_are_those_of_the_settings_as_programs_read_them() -> None:
    with override_settings(ACCESSIBILITY_PUBLISHED_ON=date(2026, 12, 1), ACCESSIBILITY_UPDATED_ON=date(2027, 1, 4)):
        html = statement()
    assert 'id="a11y-data-publikacja" datetime="2026-12-01">2026-12-01<' in html
    assert 'id="a11y-data-aktualizacja" datetime="2027-01-04">2027-01-04<' in html
    assert re.search(r'id="a11y-data-sporzadzenie" datetime="\d{4}-\d{2}-\d{2}"', html)


def test_who_answers_is_named_and_can_be_reached() -> None:
    named = {
        "ACCESSIBILITY_CONTACT": "Jan Kos",
        "ACCESSIBILITY_EMAIL": "jan.kos@urzad.example",
        "ACCESSIBILITY_PHONE": "+48 22 000 00 00",
        "ACCESSIBILITY_BUILDINGS_URL": "https://urzad.example/budynki",
    }
    with override_settings(**named):
        html = statement()
    assert 'id="a11y-osoba">Jan Kos<' in html
    assert 'id="a11y-email"><a href="mailto:jan.kos@urzad.example">' in html
    assert 'id="a11y-telefon"><a href="tel:+48220000000">+48 22 000 00 00<' in html
    assert 'href="https://urzad.example/budynki"' in html


@pytest.mark.parametrize(
    ("support", "link"),
    [("pomoc@urzad.example", 'id="a11y-email"><a href="mailto:pomoc@'), ("4400", 'href="tel:4400"')],
)
def test_who_helps_answers_where_nobody_is_named(support: str, link: str) -> None:
    with override_settings(SUPPORT_CONTACT=support):
        assert link in statement()


def test_a_day_in_the_settings_that_is_none_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="ACCESSIBILITY_PUBLISHED_ON"):
        parse_date("22.11.2026", name="ACCESSIBILITY_PUBLISHED_ON")
