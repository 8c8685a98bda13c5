"""A button pressed after the session has ended, and addresses that only buttons send to, at the interface of URLs."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.factories import PASSWORD, Office, make_user

_PAGE = "text/html,application/xhtml+xml"


@pytest.fixture
def user(office: Office) -> User:
    return make_user("ewa.lis@urzad.example", language="en")


def _press(client: Client, *, referer: str = "", accept: str = _PAGE) -> HttpResponse:
    headers = {"accept": accept, "accept-language": "en"} | ({"referer": referer} if referer else {})
    return client.post(reverse("booking_restore", args=[1]), headers=headers)


def _sign_in(client: Client, asked: HttpResponse, user: User) -> HttpResponse:
    return client.post(asked["Location"], {"login": user.email, "password": PASSWORD}, follow=True)


def test_a_button_pressed_while_signed_out_leads_back_to_its_page_and_says_that_nothing_was_done(user: User) -> None:
    client = Client()
    asked = _press(client, referer="http://testserver/sesje/moje/?kiedy=dawne")
    assert (
        "You were signed out, so nothing was done."
        in client.get(asked["Location"], headers={"accept-language": "en"}).content.decode()
    )
    answer = _sign_in(client, asked, user)
    assert answer.redirect_chain[-1][0] == "/sesje/moje/?kiedy=dawne"
    said = "Nothing was done, because you were signed out. Press the button once more."
    assert said in answer.content.decode()
    assert said not in client.get(reverse("my_sessions")).content.decode()


@pytest.mark.parametrize(
    "referer", ["", "https://elsewhere.example/", "http://testserver.elsewhere.example/", "javascript:alert(1)"]
)
def test_a_button_of_no_page_of_ours_leads_to_the_board(user: User, referer: str) -> None:
    client = Client()
    answer = _sign_in(client, _press(client, referer=referer), user)
    assert (answer.status_code, answer.request["PATH_INFO"]) == (200, reverse("board"))


def test_what_a_script_sends_while_signed_out_leaves_no_message(user: User) -> None:
    client = Client()
    asked = _press(client, referer="http://testserver/sesje/moje/", accept="*/*")
    assert (asked.status_code, asked["Location"]) == (302, f"{reverse('account_login')}?next=/sesje/moje/")
    assert not client.session.keys()


def test_a_page_asked_for_while_signed_out_is_the_one_signing_in_leads_to(user: User) -> None:
    client = Client()
    answer = _sign_in(client, client.get(reverse("my_sessions"), headers={"accept": _PAGE, "referer": "/"}), user)
    assert answer.request["PATH_INFO"] == reverse("my_sessions")
    assert "Nothing was done" not in answer.content.decode()


def test_an_address_that_only_a_button_sends_to_shows_a_page_to_people(user: User) -> None:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse("booking_restore", args=[1]), headers={"accept": _PAGE})
    assert (answer.status_code, answer["Allow"], answer["Content-Type"]) == (405, "POST", "text/html; charset=utf-8")
    assert "There is nothing to read here" in answer.content.decode()
    assert f'href="{reverse("board")}"' in answer.content.decode()


@pytest.mark.parametrize("headers", [{}, {"accept": "*/*"}, {"accept": _PAGE, "x-requested-with": "fetch"}])
def test_an_address_that_only_a_button_sends_to_answers_programs_with_the_bare_status(
    user: User, headers: dict[str, str]
) -> None:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse("booking_restore", args=[1]), headers=headers)
    assert (answer.status_code, answer.content) == (405, b"")
