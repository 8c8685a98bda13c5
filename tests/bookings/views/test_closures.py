"""Closures over HTTP: who sees which, what a new one hits, doing all of it at once, lifting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.models import Booking, RoomHold
from rooms.models import Closure, MovableEquipment
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

NEW = "/zamkniecia/nowe/"
LIST = "/zamkniecia/"


@pytest.fixture(autouse=True)
def monday_morning(office: Office) -> Iterator[None]:
    """Monday 9 November 2026, 8:30 in Warsaw; everybody reads English."""
    User.objects.update(language="en")
    with time_machine.travel(datetime(2026, 11, 9, 7, 30, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def session(office: Office) -> Booking:
    """Anna's in Koszykowa 2.16, 24 November, 10:00–11:00."""
    return services.book(ask(office.staff, office.room("KOS/2.16"), title="Odprawa"), by=office.staff, now=NOW)


def _fields(office: Office, **changed: Any) -> dict[str, Any]:
    """Return what closes Koszykowa 2.16 on 24 November, the whole day."""
    defaults = {
        "what": f"room:{office.room('KOS/2.16').pk}",
        "kind": "maintenance",
        "title": "malowanie ścian",
        "first": "24.11.2026",
        "do": "look",
    }
    return {**defaults, **changed}


def _close(client: Client, office: Office, **changed: Any) -> Any:
    """Look first, then confirm what was shown; `changed` changes what is confirmed."""
    looked = client.post(NEW, _fields(office, **changed))
    assert looked.status_code == 200
    shown = {}
    for row in looked.context["rows"]:
        pk = row.hit.occurrence.pk
        chosen = next(choice.value for choice in row.choices if choice.is_chosen)
        shown |= {f"decision-{pk}": chosen, f"target-{pk}": row.hit.target}
    seen = [row.hit.occurrence.pk for row in looked.context["rows"]]
    return client.post(NEW, {**_fields(office), "seen": seen, **shown, **changed, "do": "close"}, follow=True)


def _text(response: Any) -> str:
    main = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)
    assert main
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main[0]))


def test_looking_shows_what_it_hits_and_changes_nothing(
    office: Office, session: Booking, manager_client: Client
) -> None:
    text = _text(manager_client.post(NEW, _fields(office)))
    assert "It hits 1 meeting" in text
    assert "Odprawa" in text
    assert "Tuesday, 24 November 2026, 10:00–11:00" in text
    assert "another room" in text
    assert not Closure.objects.exists()


def test_one_submit_closes_and_moves_the_session(office: Office, session: Booking, manager_client: Client) -> None:
    text = _text(_close(manager_client, office))
    assert "The closure is saved. 1 meeting was moved." in text
    assert "Sala wideo 2.16" in text
    held = RoomHold.objects.filter(live=True, occurrence__booking=session).values_list("room__code", flat=True)
    assert list(held) != ["2.16"]
    assert RoomHold.objects.filter(closure__isnull=False, room=office.room("KOS/2.16")).exists()


@pytest.mark.parametrize(
    ("decision", "said", "status"),
    [("cancel", "1 meeting was cancelled.", "cancelled"), ("leave", "1 organiser decides.", "confirmed")],
)
def test_a_session_can_be_cancelled_or_left_to_its_organizer(
    office: Office, session: Booking, manager_client: Client, decision: str, said: str, status: str
) -> None:
    pk = session.occurrences.get().pk
    assert said in _text(_close(manager_client, office, **{f"decision-{pk}": decision}))
    session.refresh_from_db()
    assert session.status == status


def test_a_session_that_came_meanwhile_is_shown_before_anything_is_done(
    office: Office, session: Booking, manager_client: Client
) -> None:
    response = manager_client.post(NEW, _fields(office, do="close"))
    assert response.status_code == 422
    text = _text(response)
    assert "Look at the list below" in text
    assert "It hits 1 meeting" in text
    assert "malowanie ścian" in response.content.decode()
    assert not Closure.objects.exists()


def test_garbage_among_the_decisions_is_left_to_the_organizer(
    office: Office, session: Booking, manager_client: Client
) -> None:
    pk = session.occurrences.get().pk
    garbage = {"seen": [pk, "x", "9" * 30, "\0"], f"decision-{pk}": "burn", f"target-{pk}": "room:x", "do": "close"}
    response = manager_client.post(NEW, {**_fields(office), **garbage}, follow=True)
    assert "1 organiser decides." in _text(response)
    session.refresh_from_db()
    assert session.status == Booking.Status.CONFIRMED


def test_a_proposal_that_is_gone_is_said_and_nothing_is_lost(
    office: Office, session: Booking, manager_client: Client
) -> None:
    pk, other = session.occurrences.get().pk, office.room("KOS/0.07")
    services.book(ask(office.colleague, other), by=office.colleague, now=NOW)
    chosen = {"seen": [pk], f"decision-{pk}": "room", f"target-{pk}": f"room:{other.pk}", "do": "close"}
    text = _text(manager_client.post(NEW, {**_fields(office), **chosen}, follow=True))
    assert "what was proposed for “Odprawa” is no longer free" in text
    assert session.occurrences.get().room_holds.filter(live=True).get().room == office.room("KOS/2.16")


def test_a_site_is_closed_every_week_and_equipment_by_the_piece(office: Office, manager_client: Client) -> None:
    camera = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=2)
    weekly = {"what": f"site:{office.koszykowa.pk}", "repeat": "WEEKLY", "until": "31.12.2026"}
    assert "every Tuesday until" in _text(_close(manager_client, office, **weekly, start="15", end="16"))
    _close(manager_client, office, what=f"equipment:{camera.pk}", quantity="2")
    assert "kamera ×2" in _text(manager_client.get(LIST))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"title": ""}, "Say why, in a few words."),
        ({"what": ""}, "Choose what is closed."),
        ({"first": "31.11"}, "There is no 31.11 in the calendar."),
        ({"first": ""}, "Say on which day"),
        ({"last": "20.11.2026"}, "It ends before it starts."),
        ({"start": "10"}, "Say at what time"),
        ({"start": "x", "end": "11"}, "is not a time"),
        ({"repeat": "WEEKLY"}, "Say on which day"),
        ({"repeat": "DAILY", "last": "26.11.2026", "until": "1.12.2026"}, "It begins again before it is over."),
        ({"repeat": "DAILY", "until": "1.12.2036"}, "A closure repeats at most 400 times"),
        ({"repeat": "YEARLY"}, "Select a valid choice"),
        ({"quantity": "-1"}, "greater than or equal to 1"),
        ({"first": "1.11.2026 r.", "last": "2.11.2026"}, ""),
    ],
)
def test_bad_input_gets_a_sentence_and_keeps_what_was_typed(
    office: Office, manager_client: Client, changed: dict[str, str], sentence: str
) -> None:
    for do in ("look", "close"):
        response = manager_client.post(NEW, _fields(office, note="x", **{**changed, "do": do}))
        assert response.status_code == 422
        assert sentence in _text(response).replace("&quot;", '"')
        assert 'value="malowanie ścian"' in response.content.decode() or "title" in changed
    assert not Closure.objects.exists()


def test_managers_close_their_own_site_alone(
    office: Office, manager_client: Client, staff_client: Client, admin_client: Client
) -> None:
    foreign = f"room:{office.room('TAB/B').pk}"
    response = manager_client.post(NEW, _fields(office, what=foreign))
    assert response.status_code == 422
    assert "Taborowa" not in _text(manager_client.get(NEW))
    assert _close(admin_client, office, what=foreign).status_code == 200
    for address in (LIST, NEW):
        assert staff_client.get(address).status_code == 403
        assert Client().get(address).url.startswith("/konto/")
    assert "Nothing is closed" in _text(manager_client.get(LIST))


def test_lifting_frees_the_room_and_is_for_managers_of_that_site(
    office: Office, manager_client: Client, staff_client: Client, admin_client: Client
) -> None:
    _close(manager_client, office)
    _close(admin_client, office, what=f"room:{office.room('TAB/B').pk}")
    mine, foreign = Closure.objects.order_by("pk")
    assert manager_client.post(reverse("closure_lift", args=[foreign.pk])).status_code == 404
    assert manager_client.post(reverse("closure_lift", args=[foreign.pk + 99])).status_code == 404
    assert staff_client.post(reverse("closure_lift", args=[mine.pk])).status_code == 403
    assert manager_client.get(reverse("closure_lift", args=[mine.pk])).status_code == 405
    for said in ("The closure is lifted.", "This closure is lifted or over already."):
        assert said in _text(manager_client.post(reverse("closure_lift", args=[mine.pk]), follow=True))
    assert "lifted" in _text(manager_client.get(LIST + "?past"))
    assert services.book(ask(office.staff, office.room("KOS/2.16")), by=office.staff, now=NOW)


def test_more_closures_cost_no_more_queries(office: Office, manager_client: Client) -> None:
    counts = []
    for hours in ([8], [10, 12]):
        for hour in hours:
            _close(manager_client, office, start=str(hour), end=str(hour + 1))
        with CaptureQueriesContext(connection) as queries:
            manager_client.get(LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_more_sessions_in_the_way_cost_no_more_queries(office: Office, manager_client: Client) -> None:
    counts = []
    for hours in ([8], [10, 12]):
        for hour in hours:
            services.book(ask(office.staff, office.room("KOS/2.16"), start=at(hour)), by=office.staff, now=NOW)
        with CaptureQueriesContext(connection) as queries:
            assert manager_client.post(NEW, _fields(office)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
