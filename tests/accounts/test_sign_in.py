"""Signing in, out, and choosing a new password, as a browser does it."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.accounts.mails import account_mails
from tests.factories import PASSWORD, make_user

_NEW = "tramwaj-na-mokotowskiej-7"


@pytest.fixture
def user(db: None) -> User:
    cache.clear()
    return make_user("anna.wrzesinska@urzad.example", name="Anna Wrzesińska")


def _sign_in(client: Client, email: str, password: str, **extra: str) -> int:
    return client.post(reverse("account_login"), {"login": email, "password": password, **extra}).status_code


def test_sign_in_by_address_in_any_case_leads_to_the_page_asked_for(user: User) -> None:
    client = Client()
    asked = client.get(reverse("my_sessions"))
    response = client.post(asked["Location"], {"login": "Anna.Wrzesinska@URZAD.example", "password": PASSWORD})
    assert response["Location"] == reverse("my_sessions")
    assert client.get(reverse("my_sessions")).status_code == 200


def test_wrong_password_says_the_same_as_an_unknown_address(user: User) -> None:
    answers = set()
    for email in (user.email, "nobody@urzad.example"):
        html = Client().post(reverse("account_login"), {"login": email, "password": "x"}).content.decode()
        answers.add(re.sub(r"\s+", " ", re.search(r'role="alert".*?</div>', html, re.S)[0]))
    assert len(answers) == 1
    # Which of the two is wrong is not told, so no field is counted or listed.
    assert "<li>" not in answers.pop()


def test_an_account_that_is_switched_off_does_not_sign_in(user: User) -> None:
    user.is_active = False
    user.save()
    client = Client()
    _sign_in(client, user.email, PASSWORD)
    assert "_auth_user_id" not in client.session


def test_many_wrong_passwords_stop_further_tries(user: User) -> None:
    client = Client()
    for _attempt in range(12):
        status = _sign_in(client, user.email, "wrong")
        if status == 429:
            break
    html = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD}).content.decode()
    assert "_auth_user_id" not in client.session
    assert "Za dużo prób" in html


def test_signing_out_takes_a_post_and_ends_the_session(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.get(reverse("account_logout")).status_code == 200
    assert "_auth_user_id" in client.session
    assert client.post(reverse("account_logout"))["Location"] == reverse("account_login")
    assert "_auth_user_id" not in client.session


def test_nobody_signs_up_by_themselves(user: User) -> None:
    page = Client().get(reverse("account_signup"))
    assert "Konta zakładają informatycy" in page.content.decode()
    details = {"email": "ktos@urzad.example", "password1": _NEW, "password2": _NEW}
    Client().post(reverse("account_signup"), details)
    assert User.objects.count() == 1


def test_a_new_password_by_mail_in_the_users_language(user: User) -> None:
    user.language = "en"
    user.save()
    client = Client()
    response = client.post(reverse("account_reset_password"), {"email": user.email}, headers={"host": "evil.example"})
    assert response["Location"] == reverse("account_reset_password_done")
    (message,) = account_mails()
    assert message["Subject"] == "Narada: choose a new password"
    (link,) = re.findall(r"http://\S+", message.get_content())
    # The address is the office's own, whatever Host header asked for the mail.
    assert link.startswith("http://testserver/konto/haslo/reset/")

    form = client.get(link, follow=True)
    action = form.redirect_chain[-1][0]
    done = client.post(action, {"password1": _NEW, "password2": _NEW})
    assert done["Location"] == reverse("account_reset_password_from_key_done")
    assert _sign_in(client, user.email, _NEW) == 302
    assert "Ten link już nie działa" in Client().get(link).content.decode()


def test_asking_for_a_password_does_not_tell_who_has_an_account(user: User) -> None:
    for email in (user.email, "nobody@urzad.example"):
        response = Client().post(reverse("account_reset_password"), {"email": email})
        assert response["Location"] == reverse("account_reset_password_done")
    assert [message["To"].addresses[0].addr_spec for message in account_mails()] == [user.email]


def test_changing_the_password_signs_out_and_the_new_one_works(user: User) -> None:
    client = Client()
    client.force_login(user)
    fields = {"oldpassword": PASSWORD, "password1": _NEW, "password2": _NEW}
    client.post(reverse("account_change_password"), fields)
    assert "_auth_user_id" not in client.session
    assert _sign_in(client, user.email, _NEW) == 302


@pytest.mark.parametrize("password", ["krotkie", "123456789012", "anna.wrzesinska"])
def test_a_weak_new_password_is_refused_with_the_reason_at_its_field(user: User, password: str) -> None:
    client = Client()
    client.force_login(user)
    fields = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    html = client.post(reverse("account_change_password"), fields).content.decode()
    assert 'aria-invalid="true"' in html
    assert 'role="alert"' in html
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
