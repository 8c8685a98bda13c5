"""The administration pages of rules, exemptions, deputies, movable equipment and closures."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings import services
from bookings.rules import Wishes
from rooms.models import BookingRule, Closure, Deputy, Exemption, MovableEquipment
from rooms.rule_words import sentence_of
from tests.bookings.requests import ask
from tests.factories import Office

pytestmark = pytest.mark.django_db


def _errors(response: Any) -> list[str]:
    assert response.status_code == 200
    return sorted(response.context["adminform"].form.errors)


def test_rule_stands_in_the_list_as_a_sentence(office: Office, admin_client: Client) -> None:
    url = reverse("admin:rooms_bookingrule_add")
    room = office.room("KOS/2.14")
    rule = {"kind": "window", "value": "90", "room": str(room.pk), "site": "", "role": ""}
    assert admin_client.post(url, rule).status_code == 302
    html = admin_client.get(reverse("admin:rooms_bookingrule_changelist")).content.decode()
    assert sentence_of(BookingRule.objects.get()) in html
    assert _errors(admin_client.post(url, rule)) == ["__all__"], "there is such a rule already"


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({"kind": "window", "value": "732"}, ["value"]),
        ({"kind": "length", "value": "0"}, ["value"]),
        ({"kind": "length", "value": "2161"}, ["value"]),
        ({"kind": "person_hours", "value": "169"}, ["value"]),
        ({"kind": "book", "value": "2"}, ["value"]),
        ({"kind": "any_hour", "value": "-1"}, ["value"]),
        ({"kind": "approval", "value": "1", "role": "manager"}, ["role"]),
        ({"kind": "approval", "value": ""}, ["value"]),
    ],
)
def test_rule_that_means_nothing_is_refused_at_its_field(
    office: Office, admin_client: Client, rule: dict[str, str], wrong: list[str]
) -> None:
    response = admin_client.post(reverse("admin:rooms_bookingrule_add"), {"site": "", "room": "", "role": "", **rule})
    assert _errors(response) == wrong


def test_rule_is_of_a_room_or_a_site(office: Office, admin_client: Client) -> None:
    room = office.room("KOS/2.14")
    rule = {"kind": "window", "value": "9", "room": str(room.pk), "site": str(room.site_id), "role": ""}
    assert _errors(admin_client.post(reverse("admin:rooms_bookingrule_add"), rule)) == ["__all__"]


def test_exemption_says_who_granted_it_and_only_its_end_may_change(office: Office, admin_client: Client) -> None:
    exemption = {
        "user": str(office.staff.pk),
        "kind": "window",
        "site": "",
        "valid_from": "2026-11-09",
        "valid_to": "2026-11-30",
        "reason": "Konferencja roczna",
    }
    assert admin_client.post(reverse("admin:rooms_exemption_add"), exemption).status_code == 302
    stored = Exemption.objects.get()
    assert (stored.granted_by, stored.reason) == (office.it_admin, "Konferencja roczna")
    url = reverse("admin:rooms_exemption_change", args=[stored.pk])
    changed = {**exemption, "kind": "length", "valid_to": "2026-11-10", "reason": "x"}
    assert admin_client.post(url, changed).status_code == 302
    stored.refresh_from_db()
    assert (stored.kind, stored.reason, stored.valid_to) == ("window", "Konferencja roczna", date(2026, 11, 10))
    assert admin_client.post(reverse("admin:rooms_exemption_delete", args=[stored.pk])).status_code == 403
    assert LogEntry.objects.filter(user=office.it_admin, object_id=str(stored.pk)).count() == 2


@pytest.mark.parametrize(
    ("manager", "deputy", "last", "wrong"),
    [
        ("manager", "colleague", "2026-11-20", None),
        ("staff", "colleague", "2026-11-20", ["manager"]),
        ("manager", "manager", "2026-11-20", ["__all__"]),
        ("manager", "colleague", "2026-11-08", ["__all__"]),
    ],
)
def test_deputy_stands_in_for_a_manager(
    office: Office, admin_client: Client, manager: str, deputy: str, last: str, wrong: list[str] | None
) -> None:
    data = {
        "manager": str(getattr(office, manager).pk),
        "deputy": str(getattr(office, deputy).pk),
        "valid_from": "2026-11-09",
        "valid_to": last,
    }
    response = admin_client.post(reverse("admin:rooms_deputy_add"), data)
    if wrong is None:
        assert response.status_code == 302
        assert Deputy.objects.get().deputy == office.colleague
    else:
        assert _errors(response) == wrong


class TestMovableEquipment:
    @pytest.fixture
    def camera(self, office: Office) -> MovableEquipment:
        return MovableEquipment.objects.create(site=office.koszykowa, name="Kamera", quantity=2)

    def data(self, camera: MovableEquipment, **changed: Any) -> dict[str, Any]:
        return {"name": camera.name, "name_en": "", "quantity": "2", "rooms": [], **changed}

    def test_number_that_sessions_need_is_kept(
        self, office: Office, admin_client: Client, camera: MovableEquipment
    ) -> None:
        url = reverse("admin:rooms_movableequipment_change", args=[camera.pk])
        now = timezone.now()
        day = _working_day(timezone.localtime(now).date())
        start = datetime(day.year, day.month, day.day, 10)
        wishes = Wishes(movable=((camera.pk, 2),))
        services.book(ask(office.staff, office.room("KOS/2.14"), start=start, wishes=wishes), by=office.staff, now=now)
        assert _errors(admin_client.post(url, self.data(camera, quantity="1"))) == ["quantity"]
        camera.refresh_from_db()
        assert camera.quantity == 2
        assert admin_client.post(url, self.data(camera, quantity="3")).status_code == 302

    def test_rooms_are_of_its_site(self, office: Office, admin_client: Client) -> None:
        here, there = office.room("KOS/2.14").pk, office.room("BIA/5").pk
        data = {
            "site": str(office.koszykowa.pk),
            "name": "Ekran",
            "name_en": "",
            "quantity": "1",
            "rooms": [here, there],
        }
        url = reverse("admin:rooms_movableequipment_add")
        assert _errors(admin_client.post(url, data)) == ["rooms"]
        assert admin_client.post(url, {**data, "rooms": [here]}).status_code == 302


def _working_day(today: date) -> date:
    day = today + timedelta(days=30)
    return day + timedelta(days=(7 - day.weekday()) % 7)


def test_closures_are_shown_and_changed_elsewhere(office: Office, admin_client: Client) -> None:
    closure = Closure.objects.create(
        title="Święta",
        site=office.biala,
        local_start="2026-12-24T00:00",
        local_end="2026-12-27T00:00",
        created_by=office.it_admin,
        created_at=timezone.now(),
    )
    page = admin_client.get(reverse("admin:rooms_closure_change", args=[closure.pk])).content.decode()
    assert "Święta" in page
    assert office.biala.name in page
    assert 'name="_save"' not in page
    assert admin_client.get(reverse("admin:rooms_closure_add")).status_code == 403
    assert admin_client.post(reverse("admin:rooms_closure_delete", args=[closure.pk])).status_code == 403
    assert Closure.objects.exists()
