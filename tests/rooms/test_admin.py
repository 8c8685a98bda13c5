"""The administration pages of sites, rooms and licences: bad input is answered in words, never with an error page."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.forms.utils import ErrorList
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bookings.models import Booking, LicenceHold, Occurrence, as_range
from rooms.interval import Interval
from rooms.models import Equipment, LicencePool, OpeningHours, Room, Site, SiteRole, SiteShare
from tests.factories import Office, make_pool, make_room, make_site, make_user


def _changelists() -> list[str]:
    return sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)


def _form(client: Client, url: str) -> dict[str, Any]:
    """Return what the browser would send back from a change form, untouched."""
    response = client.get(url)
    assert response.status_code == 200
    form = response.context["adminform"].form
    forms = [form, *(item.formset.management_form for item in response.context["inline_admin_formsets"])]
    forms += [one for item in response.context["inline_admin_formsets"] for one in item.formset.forms]
    data: dict[str, Any] = {}
    for one in forms:
        for bound in one:
            value = bound.value()
            if value is None or value is False:
                continue
            data[bound.html_name] = [str(getattr(v, "pk", v)) for v in value] if isinstance(value, list) else str(value)
    return data


def _errors(response: Any) -> list[str]:
    return [
        str(message)
        for error in response.context["errors"]
        for message in (error if isinstance(error, ErrorList) else [error])
    ]


def _seat(office: Office, *, at: datetime, seats: int) -> None:
    now = timezone.now()
    booking = Booking.objects.create(
        number=f"N-{Booking.objects.count()}",
        uid=f"{Booking.objects.count()}@test",
        stamped_at=now,
        title="Narada",
        organizer=office.staff,
        created_by=office.staff,
        time_zone="Europe/Warsaw",
        created_at=now,
        changed_at=now,
    )
    interval = Interval(at, at + timedelta(hours=1))
    occurrence = Occurrence.objects.create(
        booking=booking, original_start_at=at, starts_at=at, ends_at=interval.end_at, local_start="", local_end=""
    )
    LicenceHold.objects.create(
        occurrence=occurrence, pool=office.pool, site=None, seats=seats, period=as_range(interval)
    )


@pytest.mark.parametrize("page", _changelists())
def test_list_and_search_are_shown_to_it_admins_in_both_languages(
    office: Office, admin_client: Client, page: str
) -> None:
    for language in ("pl", "en"):
        office.it_admin.language = language
        office.it_admin.save()
        assert admin_client.get(reverse(f"admin:{page}_changelist")).status_code == 200
        assert admin_client.get(reverse(f"admin:{page}_changelist"), {"q": "Łódź ' %"}).status_code == 200


@pytest.mark.parametrize("who", ["staff", "manager", "newcomer"])
def test_others_do_not_get_in(office: Office, who: str) -> None:
    client = Client()
    client.force_login(getattr(office, who))
    response = client.get(reverse("admin:index"), follow=True)
    assert response.status_code == 403


def test_strangers_are_sent_to_the_ordinary_sign_in_page(db: None) -> None:
    response = Client().get(reverse("admin:rooms_room_changelist"), follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
    response = Client().post(reverse("admin:login"), {"username": "x", "password": "y"})
    assert response.url.startswith(reverse("account_login"))


_LISTS = ["rooms_room", "rooms_site", "rooms_licencepool", "rooms_siterole", "accounts_user", "rooms_equipment"]


@pytest.mark.parametrize("page", _LISTS)
def test_list_costs_the_same_for_one_row_and_for_three(office: Office, admin_client: Client, page: str) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(reverse(f"admin:{page}_changelist")).status_code == 200
        return len(queries)

    before = cost()
    for number in (1, 2):
        site = make_site(f"X{number}")
        make_room(site, equipment=[Equipment.objects.create(code=f"e{number}", name=f"e{number}")])
        make_pool(5, shares={site: 2}, name=f"Pula {number}", is_default=False)
        make_user(f"x{number}@urzad.example", staff_of=[site, office.biala])
    assert cost() == before


@pytest.mark.parametrize("page", ["index", *(f"{page}_changelist" for page in _LISTS), "add", "change", "user"])
def test_pages_need_neither_inline_script_nor_inline_style(office: Office, admin_client: Client, page: str) -> None:
    urls = {
        "add": reverse("admin:rooms_room_add"),
        "change": reverse("admin:rooms_licencepool_change", args=[office.pool.pk]),
        "user": reverse("admin:accounts_user_change", args=[office.staff.pk]),
    }
    response = admin_client.get(urls.get(page) or reverse(f"admin:{page}"))
    html = response.content.decode()
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son\w+=\"|\sstyle=\"", html)


def test_room_times_are_written_in_minutes(office: Office, admin_client: Client) -> None:
    url = reverse("admin:rooms_room_change", args=[office.room("KOS/1.03").pk])
    data = _form(admin_client, url)
    assert (data["setup"], data["clearing"]) == ("15", "15")
    assert admin_client.post(url, {**data, "setup": "20"}).status_code == 302
    room = Room.objects.get(pk=office.room("KOS/1.03").pk)
    assert (room.setup, room.clearing) == (timedelta(minutes=20), timedelta(minutes=15))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("setup", "241"),
        ("setup", "-1"),
        ("setup", ""),
        ("clearing", "kwadrans"),
        ("seats", "0"),
        ("seats", "99999"),
        ("floor", "99999"),
        ("name", "Sala\nwideo"),
        ("name", "Sala\x00"),
        ("name", "x" * 121),
        ("code", "2.16"),
        ("site", "999999"),
        ("mailbox", "nie adres"),
        ("position", "-1"),
    ],
)
def test_bad_room_is_refused_beside_the_field(office: Office, admin_client: Client, field: str, value: str) -> None:
    url = reverse("admin:rooms_room_change", args=[office.room("KOS/2.14").pk])
    response = admin_client.post(url, {**_form(admin_client, url), field: value})
    assert response.status_code == 200
    assert len(_errors(response)) >= 1
    assert Room.objects.get(pk=office.room("KOS/2.14").pk).name == "Sala wideo 2.14"


def test_hours_that_close_before_they_open_are_refused(office: Office, admin_client: Client) -> None:
    url = reverse("admin:rooms_site_change", args=[office.koszykowa.pk])
    data = _form(admin_client, url)
    response = admin_client.post(url, {**data, "opening_hours-0-closes": "06:00"})
    assert _errors(response) == ["Zamknięcie jest po otwarciu."]
    data["time_zone"] = "Europe/Warszawa"
    assert len(_errors(admin_client.post(url, data))) == 1
    assert OpeningHours.objects.filter(site=office.koszykowa).count() == 5


def test_room_or_site_in_use_is_protected_by_a_page(office: Office, admin_client: Client) -> None:
    url = reverse("admin:rooms_site_delete", args=[office.koszykowa.pk])
    assert admin_client.get(url).status_code == 200
    assert admin_client.post(url, {"post": "yes"}).status_code == 403 or Site.objects.filter(code="KOS").exists()
    assert Site.objects.filter(code="KOS").exists()


def _pool_form(office: Office, client: Client) -> tuple[str, dict[str, Any]]:
    url = reverse("admin:rooms_licencepool_change", args=[office.pool.pk])
    return url, _form(client, url)


def test_pool_shows_what_is_granted_shared_and_left(office: Office, admin_client: Client) -> None:
    response = admin_client.get(reverse("admin:rooms_licencepool_changelist"))
    row = response.context["cl"].result_list[0]
    model_admin = admin.site._registry[LicencePool]
    assert (model_admin.granted(row), model_admin.shared(row), model_admin.reserve(row)) == (10, 9, 1)


def test_grant_and_shares_shrink_together(office: Office, admin_client: Client) -> None:
    url, data = _pool_form(office, admin_client)
    changed = {"grants-0-seats": "5", "shares-0-seats": "2", "shares-1-seats": "1", "shares-2-seats": "2"}
    assert admin_client.post(url, {**data, **changed}).status_code == 302
    assert office.pool.grants.get().seats == 5
    assert sorted(office.pool.shares.values_list("seats", flat=True)) == [1, 2, 2]


def test_shares_beyond_the_grant_are_refused_with_day_and_numbers(office: Office, admin_client: Client) -> None:
    url, data = _pool_form(office, admin_client)
    changed = {"shares-0-seats": "5", "shares-0-valid_from": "2027-01-01", "grants-0-seats": "9", "name": "Inna nazwa"}
    response = admin_client.post(url, {**data, **changed})
    assert response.status_code == 200
    assert _errors(response) == [
        "Inna nazwa, piątek, 1 stycznia 2027: udziały lokalizacji wynoszą razem 10, a przyznano 9. "
        "Zwiększ liczbę licencji albo zmniejsz udział."
    ]
    html = response.content.decode()
    assert 'value="Inna nazwa"' in html
    assert re.search(r'name="shares-0-seats"[^>]*value="5"|value="5"[^>]*name="shares-0-seats"', html)
    assert "pomyślnie" not in html
    assert (LicencePool.objects.get().name, office.pool.grants.get().seats) == (office.pool.name, 10)


def test_grant_that_booked_sessions_need_is_kept(office: Office, admin_client: Client) -> None:
    at = datetime(2030, 5, 6, 8, tzinfo=UTC)
    SiteShare.objects.all().delete()
    _seat(office, at=at, seats=7)
    url, data = _pool_form(office, admin_client)
    response = admin_client.post(url, {**data, "grants-0-seats": "6"})
    assert _errors(response) == [
        "System wideokonferencji, poniedziałek, 6 maja 2030, godz. 10:00: zarezerwowane sesje potrzebują więcej "
        "licencji, niż im zostaje. Przyznano wtedy 6, z tego lokalizacjom 0. Zostaw więcej licencji do tego dnia albo "
        "najpierw odwołaj lub przenieś sesje."
    ]
    assert office.pool.grants.get().seats == 10


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("grants-0-seats", "0"),
        ("grants-0-seats", "-3"),
        ("grants-0-seats", "99999"),
        ("grants-0-valid_from", "0001-01-01"),
        ("grants-0-valid_to", "9999-12-31"),
        ("grants-0-valid_to", "2018-01-01"),
        ("shares-0-site", ""),
        ("time_zone", "Mars/Olympus"),
        ("name", ""),
    ],
)
def test_bad_pool_is_refused_in_words(office: Office, admin_client: Client, field: str, value: str) -> None:
    url, data = _pool_form(office, admin_client)
    response = admin_client.post(url, {**data, field: value})
    assert response.status_code == 200
    assert len(_errors(response)) >= 1


def test_second_default_pool_is_refused(office: Office, admin_client: Client) -> None:
    url = reverse("admin:rooms_licencepool_add")
    data = _form(admin_client, url)
    response = admin_client.post(url, {**data, "name": "Druga", "is_default": "on"})
    assert _errors(response) == ["Inna pula obsługuje już sesje."]
    assert admin_client.post(url, {**data, "name": "Druga"}).status_code == 302


def test_unused_pool_with_grants_and_shares_can_be_deleted(office: Office, admin_client: Client) -> None:
    url = reverse("admin:rooms_licencepool_delete", args=[office.pool.pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 302
    assert not LicencePool.objects.exists()
    pools = [make_pool(4, shares={office.biala: 2}, name=f"P{n}", is_default=False).pk for n in (1, 2)]
    action = {"action": "delete_selected", "_selected_action": pools, "post": "yes"}
    assert admin_client.post(reverse("admin:rooms_licencepool_changelist"), action).status_code == 302
    assert not LicencePool.objects.exists()


def test_pool_that_sessions_use_is_protected_by_a_page(office: Office, admin_client: Client) -> None:
    _seat(office, at=datetime(2030, 5, 6, 8, tzinfo=UTC), seats=1)
    admin_client.post(reverse("admin:rooms_licencepool_delete", args=[office.pool.pk]), {"post": "yes"})
    assert LicencePool.objects.get().shares.count() == 3


def test_refusal_to_delete_a_pool_says_how_much_is_booked_until_when(office: Office, admin_client: Client) -> None:
    office.it_admin.language = "en"
    office.it_admin.save()
    _seat(office, at=datetime(2030, 5, 6, 8, tzinfo=UTC), seats=1)
    url = reverse("admin:rooms_licencepool_delete", args=[office.pool.pk])
    for answer in (admin_client.get(url, follow=True), admin_client.post(url, {"post": "yes"}, follow=True)):
        assert "1 meeting is booked with its licences, until Monday, 6 May 2030" in answer.content.decode()
    action = {"action": "delete_selected", "_selected_action": [office.pool.pk], "post": "yes"}
    answer = admin_client.post(reverse("admin:rooms_licencepool_changelist"), action)
    assert "until Monday, 6 May 2030" in answer.content.decode()
    LicenceHold.objects.update(live=False)
    assert "and what was stays" in admin_client.get(url, follow=True).content.decode()
    assert LicencePool.objects.exists()


def test_roles_are_given_on_the_page_of_the_person(office: Office, admin_client: Client) -> None:
    url = reverse("admin:accounts_user_change", args=[office.newcomer.pk])
    data = _form(admin_client, url)
    role = {
        "site_roles-TOTAL_FORMS": "1",
        "site_roles-0-site": office.taborowa.pk,
        "site_roles-0-role": "manager",
        "site_roles-0-user": office.newcomer.pk,
    }
    assert admin_client.post(url, {**data, **role}).status_code == 302
    assert list(SiteRole.objects.filter(user=office.newcomer).values_list("site__code", "role")) == [("TAB", "manager")]
    double = {
        **role,
        "site_roles-TOTAL_FORMS": "2",
        "site_roles-1-site": office.taborowa.pk,
        "site_roles-1-role": "staff",
    }
    before = _form(admin_client, url)
    response = admin_client.post(url, {**before, **double, "site_roles-0-id": before["site_roles-0-id"]})
    assert response.status_code == 200


def test_names_stand_in_polish_order(office: Office, admin_client: Client) -> None:
    response = admin_client.get(reverse("admin:accounts_contact_changelist"))
    names = [contact.name.split()[0] for contact in response.context["cl"].result_list]
    assert names == [
        "Dolnośląski", "Finnish", "Kujawsko-Pomorski", "Lubelski", "Lubuski", "Łódzki", "Małopolski", "Mazowiecki",
        "Opolski", "Podkarpacki", "Podlaski", "Pomorski", "Śląski", "Świętokrzyski", "Warmińsko-Mazurski",
        "Wielkopolski", "Zachodniopomorski",
    ]  # fmt: skip


def test_dates_of_grants_are_checked_by_the_model() -> None:
    share = SiteShare(seats=1, valid_from=date(2019, 1, 1), valid_to=date(2100, 12, 31))
    share.clean()


@pytest.mark.parametrize(
    ("page", "text", "names"),
    [
        ("accounts_contact", "lodzki", ["Łódzki Urząd Wojewódzki"]),
        ("accounts_institution", "SLASKI uw", ["Dolnośląski Urząd Wojewódzki", "Śląski Urząd Wojewódzki"]),
        ("accounts_user", "wrzesinska", ["Anna Wrzesińska"]),
        ("accounts_contactgroup", "urzedy", ["urzędy wojewódzkie"]),
        ("rooms_room", "swietlica", ["Świetlica, wideo"]),
        ("rooms_site", "biala", ["Ośrodek dla Cudzoziemców w Białej Podlaskiej"]),
        ("rooms_siterole", "lukasik", []),
    ],
)
def test_search_finds_names_without_accents(
    office: Office, admin_client: Client, page: str, text: str, names: list[str]
) -> None:
    response = admin_client.get(reverse(f"admin:{page}_changelist"), {"q": text})
    assert [row.name for row in response.context["cl"].result_list] == names


def test_pages_speak_polish_that_fits_every_noun(office: Office, admin_client: Client) -> None:
    html = admin_client.get(reverse("admin:rooms_licencepool_change", args=[office.pool.pk])).content.decode()
    assert "Zmień: pula licencji" in html
    html = admin_client.get(reverse("admin:rooms_room_changelist")).content.decode()
    assert "Wybierz do zmiany: sala" in html
