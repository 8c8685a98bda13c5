"""The office's own text about data protection: versions, markup without tags, and who may write it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts import privacy
from accounts.markup import to_html
from accounts.models import PrivacyNotice
from tests.factories import Office

EDIT = "/zarzadzanie/ochrona-danych/"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Kto\nUrząd", "<h2>Kto</h2>\n<p>Urząd</p>"),
        ("## Mniej\n\n- jeden\n- dwa", "<h3>Mniej</h3>\n<ul><li>jeden</li><li>dwa</li></ul>"),
        ("1. raz\n2. dwa", "<ol><li>raz</li><li>dwa</li></ol>"),
        ("jedna\ndruga\n\ntrzecia", "<p>jedna<br>druga</p>\n<p>trzecia</p>"),
        ("to jest **ważne**", "<p>to jest <strong>ważne</strong></p>"),
        ('<b>nie</b> & "tak"', "<p>&lt;b&gt;nie&lt;/b&gt; &amp; &quot;tak&quot;</p>"),
        ("**<script>x</script>**", "<p><strong>&lt;script&gt;x&lt;/script&gt;</strong></p>"),
        ("# <img src=x onerror=y>", "<h2>&lt;img src=x onerror=y&gt;</h2>"),
        ("", ""),
    ],
)
def test_what_is_typed_becomes_html_and_never_a_tag(text: str, html: str) -> None:
    assert to_html(text) == html


def test_addresses_become_links_and_scripts_do_not() -> None:
    assert to_html("https://uodo.gov.pl/skargi") == (
        '<p><a href="https://uodo.gov.pl/skargi" rel="nofollow">https://uodo.gov.pl/skargi</a></p>'
    )
    assert to_html("iod@urzad.example") == '<p><a href="mailto:iod@urzad.example">iod@urzad.example</a></p>'
    assert "href" not in to_html("javascript:alert(1) data:text/html,x")
    tricky = to_html('https://x.example/"><script>**a**</script>')
    assert "<script" not in tricky
    assert "<strong>a</strong>" in tricky


@pytest.mark.django_db
def test_without_a_text_of_the_office_the_built_in_one_is_shown(client: Client, settings: Any) -> None:
    settings.GUEST_DATA_DAYS = 47
    shown = client.get("/ochrona-danych/?lang=en").content.decode()
    assert "47 days longer" in shown
    assert "have it erased at once (Article 17)" in shown
    assert "<h2>Cookies</h2>" in shown
    settings.GUEST_DATA_DAYS = 0
    assert "until they ask for it to be erased" in client.get("/ochrona-danych/?lang=en").content.decode()


@pytest.mark.django_db
def test_an_it_admin_looks_first_and_then_publishes(office: Office, admin_client: Client, client: Client) -> None:
    opened = admin_client.get(f"{EDIT}?jezyk=en").content.decode()
    assert "# Cookies" in opened
    typed = {"text": "# Our words\n\n- one", "seen": 0}
    preview = admin_client.post(f"{EDIT}?jezyk=en", {**typed, "do": "preview"}).content.decode()
    assert "<h2>Our words</h2>" in preview
    assert PrivacyNotice.objects.count() == 0
    assert admin_client.post(f"{EDIT}?jezyk=en", {**typed, "do": "publish"}).status_code == 302
    notice = PrivacyNotice.objects.get()
    assert (notice.language, notice.version, notice.changed_by) == ("en", 1, office.it_admin)
    page = client.get("/ochrona-danych/?lang=en").content.decode()
    assert "<h2>Our words</h2>" in page
    assert "Version 1 of" in page
    assert "Our words" not in client.get("/ochrona-danych/?lang=pl").content.decode()


@pytest.mark.django_db
def test_of_two_who_write_at_once_the_second_is_told_and_loses_nothing(office: Office, admin_client: Client) -> None:
    admin_client.post(f"{EDIT}?jezyk=pl", {"text": "Pierwszy", "seen": 0, "do": "publish"})
    late = admin_client.post(f"{EDIT}?jezyk=pl", {"text": "Drugi tekst", "seen": 0, "do": "publish"})
    assert late.status_code == 409
    assert "Drugi tekst" in late.content.decode()
    assert 'name="seen" value="1"' in late.content.decode()
    assert admin_client.post(f"{EDIT}?jezyk=pl", {"text": "Drugi", "seen": 1, "do": "publish"}).status_code == 302
    assert [item.text for item in privacy.versions("pl")] == ["Drugi", "Pierwszy"]
    assert "Pierwszy" in admin_client.get(f"{EDIT}?jezyk=pl&wersja=1").content.decode()


@pytest.mark.django_db
def test_an_empty_text_brings_the_built_in_one_back(office: Office, admin_client: Client, client: Client) -> None:
    now = timezone.now()
    privacy.publish("Nasze", language="pl", seen=0, by=office.it_admin, now=now)
    admin_client.post(f"{EDIT}?jezyk=pl", {"text": "  ", "seen": 1, "do": "publish"})
    assert "Nasze" not in client.get("/ochrona-danych/?lang=pl").content.decode()
    assert PrivacyNotice.objects.count() == 2


@pytest.mark.django_db
def test_only_it_admins_write_it(office: Office, manager_client: Client) -> None:
    assert manager_client.get(EDIT).status_code == 404
    assert manager_client.post(EDIT, {"text": "x", "seen": 0, "do": "publish"}).status_code == 404
    with pytest.raises(privacy.NotAllowed):
        privacy.publish("x", language="pl", seen=0, by=office.manager, now=timezone.now())


@pytest.mark.django_db
def test_the_database_keeps_versions_apart_and_texts_short(office: Office) -> None:
    now = timezone.now()
    privacy.publish("a", language="pl", seen=0, by=office.it_admin, now=now)
    values = {"language": "pl", "changed_by": office.it_admin, "changed_at": now}
    for more in ({"version": 1, "text": "b"}, {"version": 2, "text": "b" * 30_001}, {"version": 0, "text": "b"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PrivacyNotice.objects.create(**values, **more)
