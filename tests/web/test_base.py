"""What holds for every page: CSP, language, look, navigation, errors."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import User
from tests.factories import Office

_PUBLIC = ["account_login", "account_reset_password", "account_signup", "preferences", "accessibility", "privacy"]
_FOR_STAFF = ["board", "my_sessions", "account_show", "account_change_password", "account_logout"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", _PUBLIC)
def test_public_pages_open_without_signing_in_and_obey_the_csp(name: str) -> None:
    response = Client().get(reverse(name))
    assert response.status_code == 200
    _assert_no_inline(response.content.decode())


@pytest.mark.parametrize("name", _FOR_STAFF)
def test_staff_pages_obey_the_csp(staff_client: Client, name: str) -> None:
    response = staff_client.get(reverse(name))
    assert response.status_code == 200
    _assert_no_inline(response.content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize("name", _FOR_STAFF)
def test_staff_pages_ask_strangers_to_sign_in(name: str) -> None:
    response = Client().get(reverse(name))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


def _assert_no_inline(html: str) -> None:
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
    assert 'href="#"' not in html


def test_every_local_link_of_the_shell_leads_somewhere(admin_client: Client) -> None:
    html = admin_client.get(reverse("account_show")).content.decode()
    links = {link for link in re.findall(r'<a [^>]*href="(/[^"]*)"', html) if not link.startswith("/static/")}
    assert links
    assert {link: admin_client.get(link, follow=True).status_code for link in links} == dict.fromkeys(links, 200)


def test_management_is_shown_to_it_admins_only(staff_client: Client, admin_client: Client) -> None:
    address = f'href="{reverse("admin:index")}"'
    assert address in admin_client.get(reverse("account_show")).content.decode()
    assert address not in staff_client.get(reverse("account_show")).content.decode()


@pytest.mark.parametrize(
    ("name", "current"),
    [
        ("licence_desk", 'aria-current="page"'),
        *(
            (name, 'aria-current="true"')
            for name in (
                "licence_refusals",
                "closure_list",
                "closure_new",
                "rules_show",
                "site_reminders",
                "jitsi_desk",
                "mailbox:inbound_list",
                "service_state",
                "webhook_list",
                "webhook_new",
                "personal_data",
                "privacy_edit",
            )
        ),
        ("board", None),
        ("notifications:mail_list", None),
    ],
)
def test_management_is_marked_on_all_its_pages(admin_client: Client, name: str, current: str | None) -> None:
    bar = admin_client.get(reverse(name)).content.decode().partition("</header>")[0]
    link = re.search(rf'<a href="{reverse("licence_desk")}"([^>]*)>', bar)
    assert link
    assert (link[1].strip() or None) == current


@pytest.mark.django_db
def test_the_look_is_rendered_by_the_server_from_then_on() -> None:
    client = Client()
    response = client.post(reverse("preferences"), {"theme": "dark", "contrast": "more", "next": "/dostepnosc/"})
    assert response["Location"] == "/dostepnosc/"
    assert '<html lang="pl" data-theme="dark" data-contrast="more">' in client.get("/dostepnosc/").content.decode()

    client.post(reverse("preferences"), {"theme": "", "contrast": ""})
    assert '<html lang="pl">' in client.get("/dostepnosc/").content.decode()


@pytest.mark.django_db
def test_a_forged_cookie_does_not_reach_the_page() -> None:
    client = Client()
    client.cookies["narada_theme"] = '"><script>'
    assert '<html lang="pl">' in client.get(reverse("accessibility")).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_preferences_never_lead_to_another_host(address: str) -> None:
    response = Client().post(reverse("preferences"), {"language": "en", "next": address})
    assert response["Location"] == reverse("board")


@pytest.mark.django_db
def test_preferences_refuse_what_is_no_choice() -> None:
    response = Client().post(reverse("preferences"), {"theme": "pink"})
    assert response.status_code == 400
    assert "narada_theme" not in response.cookies


@pytest.mark.django_db
def test_visitors_keep_their_language_in_a_cookie() -> None:
    client = Client()
    assert '<html lang="pl"' in client.get(reverse("account_login")).content.decode()
    client.post(reverse("preferences"), {"language": "en", "next": reverse("account_login")})
    html = client.get(reverse("account_login")).content.decode()
    assert '<html lang="en"' in html
    assert "<h1>Sign in</h1>" in html


def test_users_take_their_language_along(office: Office, staff_client: Client) -> None:
    staff_client.post(reverse("preferences"), {"language": "en"})
    assert User.objects.get(pk=office.staff.pk).language == "en"
    elsewhere = Client()
    elsewhere.force_login(office.staff)
    assert '<html lang="en"' in elsewhere.get(reverse("account_show")).content.decode()


def test_account_page_saves_language_zone_and_telephone(office: Office, staff_client: Client) -> None:
    wanted = {"language": "en", "time_zone": "Europe/Helsinki", "phone": "4455"}
    assert staff_client.post(reverse("account_show"), wanted).status_code == 302
    office.staff.refresh_from_db()
    assert {name: getattr(office.staff, name) for name in wanted} == wanted


def test_account_page_names_a_zone_that_does_not_exist(office: Office, staff_client: Client) -> None:
    response = staff_client.post(reverse("account_show"), {"language": "pl", "time_zone": "Mars/Olympus", "phone": ""})
    assert response.status_code == 400
    html = response.content.decode()
    assert "Mars/Olympus" in html
    assert 'aria-invalid="true"' in html
    assert 'href="#id_time_zone"' in html
    office.staff.refresh_from_db()
    assert office.staff.time_zone == "Europe/Warsaw"


@pytest.mark.parametrize("path", ["/nie/ma/takiej/", "/tablica/2026-02-30/", "/sesje/N-2026-99999/"])
def test_unknown_addresses_offer_the_board(staff_client: Client, path: str) -> None:
    response = staff_client.get(path)
    assert response.status_code == 404
    assert "Nie ma takiej strony" in response.content.decode()
    assert f'href="{reverse("board")}"' in response.content.decode()


@pytest.mark.django_db
def test_unknown_address_for_a_stranger_offers_to_sign_in() -> None:
    response = Client().get("/nie/ma/takiej/")
    assert response.status_code == 404
    assert reverse("account_login") in response.content.decode()


def test_management_turns_others_away(staff_client: Client) -> None:
    assert staff_client.get(reverse("admin:index")).status_code in {302, 403, 404}


def test_an_error_of_ours_is_told_without_the_database(
    staff_client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("bookings.views.board.day_board", fail)
    staff_client.raise_request_exception = False
    with override_settings(SUPPORT_CONTACT="pomoc@urzad.example"):
        response = staff_client.get(reverse("board") + "?site=KOS")
    html = response.content.decode()
    assert response.status_code == 500
    assert "Coś się zepsuło po naszej stronie" in html
    assert 'href="/?site=KOS"' in html
    assert 'href="mailto:pomoc@urzad.example"' in html
    report = re.search(r"[0-9A-F]{4}-[0-9A-F]{2}", html)
    assert report
    assert f"Report {report[0]}" in caplog.text
    _assert_no_inline(html)


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused_in_plain_words() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(reverse("preferences"), {"theme": "dark"})
    assert response.status_code == 403
    assert "Strona była otwarta zbyt długo" in response.content.decode()


def test_static_files_that_pages_name_exist(staff_client: Client) -> None:
    html = staff_client.get(reverse("board")).content.decode()
    names = {path.partition("#")[0] for path in re.findall(r'(?:href|src)="/static/([^"]+)"', html)}
    assert "icons.svg" in names
    assert [name for name in names if not finders.find(name)] == []


def test_every_icon_that_templates_draw_is_in_the_sprite() -> None:
    from config.settings import ROOT

    sprite = (ROOT / "static" / "icons.svg").read_text()
    used = set()
    for template in (ROOT / "templates").rglob("*.html"):
        used |= set(re.findall(r'\{% icon "(\w+)"|icon="(\w+)"', template.read_text()))
    names = {name for pair in used for name in pair if name}
    assert names
    assert {name for name in names if f'id="i-{name}"' not in sprite} == set()
