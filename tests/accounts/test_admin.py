"""The administration pages of people: passwords nobody reads, addresses in one spelling, rights nobody loses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Contact, Institution, User
from tests.accounts.mails import account_mails
from tests.factories import PASSWORD, Office, make_contact, make_institution

_NEW = {"email": "Zofia.Zak@Urzad.example", "name": "Zofia Żak", "language": "pl", "time_zone": "Europe/Warsaw"}
_NO_ROLES = {"site_roles-TOTAL_FORMS": "0", "site_roles-INITIAL_FORMS": "0"}


def _add(client: Client, **fields: Any) -> Any:
    return client.post(reverse("admin:accounts_user_add"), {**_NEW, **_NO_ROLES, **fields})


def _change(client: Client, user: User, **fields: Any) -> Any:
    data = {"email": user.email, "name": user.name, "language": user.language, "time_zone": user.time_zone}
    data |= {"is_active": "on" if user.is_active else "", "is_it_admin": "on" if user.is_it_admin else ""}
    roles = {"site_roles-TOTAL_FORMS": "0", "site_roles-INITIAL_FORMS": "0"}
    return client.post(
        reverse("admin:accounts_user_change", args=[user.pk]),
        {key: value for key, value in {**data, **roles, **fields}.items() if value},
    )


def test_new_user_gets_a_link_and_chooses_a_password(office: Office, admin_client: Client) -> None:
    assert _add(admin_client, send_link="on").status_code == 302
    user = User.objects.get(email="zofia.zak@urzad.example")
    assert not user.has_usable_password()
    [message] = account_mails()
    assert message["To"].addresses[0].addr_spec == "zofia.zak@urzad.example"
    [link] = re.findall(r"http://testserver(/konto/haslo/reset/\S+)", message.get_content())
    visitor = Client()
    page = visitor.get(link, follow=True)
    new_password = "ogród-za-oknem-1984"
    visitor.post(page.request["PATH_INFO"], {"password1": new_password, "password2": new_password})
    user.refresh_from_db()
    assert user.check_password(new_password)


def test_without_the_tick_no_mail_leaves(office: Office, admin_client: Client) -> None:
    assert _add(admin_client).status_code == 302
    assert account_mails() == []


def test_links_are_mailed_from_the_list_to_people_who_may_sign_in(office: Office, admin_client: Client) -> None:
    User.objects.filter(pk=office.manager.pk).update(is_active=False)
    chosen = [office.staff.pk, office.manager.pk]
    response = admin_client.post(
        reverse("admin:accounts_user_changelist"),
        {"action": "mail_password_link", "_selected_action": chosen},
        follow=True,
    )
    assert [message["To"].addresses[0].addr_spec for message in account_mails()] == [office.staff.email]
    html = response.content.decode()
    assert "1 link jest w drodze." in html
    assert "Nie wysłano 1 linku: ta osoba nie może się logować." in html


def test_password_set_by_an_admin_is_stored_as_a_hash(office: Office, admin_client: Client) -> None:
    url = reverse("admin:auth_user_password_change", args=[office.staff.pk])
    new_password = "ogród-za-oknem-1984"
    data = {"password1": new_password, "password2": new_password, "usable_password": "true"}
    assert admin_client.post(url, data).status_code == 302
    office.staff.refresh_from_db()
    assert office.staff.check_password(new_password)
    assert new_password not in office.staff.password
    short = admin_client.post(url, {"password1": "krótkie", "password2": "krótkie", "usable_password": "true"})
    assert short.status_code == 200


def test_page_of_a_user_shows_no_hash(office: Office, admin_client: Client) -> None:
    office.staff.set_password(PASSWORD)
    html = admin_client.get(reverse("admin:accounts_user_change", args=[office.staff.pk])).content.decode()
    assert office.staff.password.rpartition("$")[2] not in html


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"email": "ANNA.Wrzesinska@urzad.example"}, "Ktoś już używa tego adresu."),
        ({"email": "bez małpy"}, "adres"),
        ({"email": "a" * 250 + "@urzad.example"}, "254"),
        ({"email": "anna@urzad.example\nBcc: x@y.example"}, "adres"),
        ({"name": ""}, "wymagane"),
        ({"name": "Zofia\nŻak\x07"}, "bez znaków sterujących"),
        ({"name": "Zofia\x00"}, "null"),
        ({"name": "Z" * 121}, "120"),
        ({"time_zone": "Mars/Olympus"}, "nie jest znaną strefą czasową"),
        ({"language": "xx"}, "xx"),
    ],
)
def test_bad_user_is_refused_in_words(
    office: Office, admin_client: Client, fields: dict[str, str], message: str
) -> None:
    before = User.objects.count()
    response = _add(admin_client, **fields)
    assert response.status_code == 200
    assert message in str(response.context["errors"])
    assert User.objects.count() == before


def test_new_address_is_kept_in_small_letters_and_the_old_one_forgotten(office: Office, admin_client: Client) -> None:
    user = office.staff
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    assert _change(admin_client, user, email="Anna.NOWA@urzad.example").status_code == 302
    assert User.objects.get(pk=user.pk).email == "anna.nowa@urzad.example"
    assert not EmailAddress.objects.exists()
    visitor = Client()
    for address, signed_in in ((user.email, False), ("anna.nowa@urzad.example", True)):
        visitor.post(reverse("account_login"), {"login": address, "password": PASSWORD})
        assert ("_auth_user_id" in visitor.session) is signed_in


@pytest.mark.parametrize("right", ["is_active", "is_it_admin"])
def test_admins_do_not_take_their_own_rights_away(office: Office, admin_client: Client, right: str) -> None:
    response = _change(admin_client, office.it_admin, **{right: ""})
    assert response.status_code == 200
    assert "Nie możesz odebrać uprawnień sobie." in str(response.context["errors"])
    office.it_admin.refresh_from_db()
    assert office.it_admin.is_staff
    assert _change(admin_client, office.staff, is_active="").status_code == 302


def test_admins_do_not_delete_themselves(office: Office, admin_client: Client) -> None:
    own = reverse("admin:accounts_user_delete", args=[office.it_admin.pk])
    assert admin_client.post(own, {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [office.it_admin.pk], "post": "yes"}
    admin_client.post(reverse("admin:accounts_user_changelist"), action)
    assert User.objects.filter(pk=office.it_admin.pk).exists()


def test_user_switched_off_loses_the_session(office: Office, admin_client: Client, staff_client: Client) -> None:
    _change(admin_client, office.staff, is_active="")
    response = staff_client.get(reverse("account_show"))
    assert response.status_code == 302


def test_contact_address_is_unique_in_any_case(office: Office, admin_client: Client) -> None:
    data = {"name": "Druga skrzynka", "language": "pl", "time_zone": "Europe/Warsaw", "is_active": "on"}
    url = reverse("admin:accounts_contact_add")
    response = admin_client.post(url, {**data, "email": "WIDEO@lodzki.example"})
    assert response.status_code == 200
    assert "Kontakt z tym adresem już istnieje." in str(response.context["errors"])
    assert admin_client.post(url, {**data, "email": "sekretariat@lodzki.example"}).status_code == 302
    assert Contact.objects.filter(email="sekretariat@lodzki.example").exists()


@pytest.mark.parametrize(("country", "stored"), [("de", "DE"), ("P1", None), ("ęż", None), ("", None)])
def test_country_is_two_letters(office: Office, admin_client: Client, country: str, stored: str | None) -> None:
    data = {"code": "BMI", "name": "Bundesamt", "country": country, "language": "en"}
    data |= {"contacts-TOTAL_FORMS": "0", "contacts-INITIAL_FORMS": "0"}
    response = admin_client.post(reverse("admin:accounts_institution_add"), data)
    assert response.status_code == (302 if stored else 200)
    assert list(Institution.objects.filter(code="BMI").values_list("country", flat=True)) == (
        [stored] if stored else []
    )


@pytest.mark.parametrize("page", ["institution", "contact", "contactgroup"])
def test_list_costs_the_same_for_one_row_and_for_three(office: Office, admin_client: Client, page: str) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(reverse(f"admin:accounts_{page}_changelist"))
        return len(queries)

    before = cost()
    for number in range(2):
        institution = make_institution(f"X{number}", f"Urząd {number}")
        make_contact(f"x{number}@urzad.example", institution=institution)
    assert cost() == before
