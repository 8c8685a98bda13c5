"""Whatever is sent to the booking pages gets an answer that a person can use, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import time_machine
from django.urls import reverse

from accounts.models import User
from bookings.models import Booking
from tests.bookings.views.booking_posts import NEW, fields
from tests.factories import Office

LOOK = "/rezerwacja/podglad/"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def english(office: Office) -> Iterator[None]:
    """Monday 9 November 2026 in the morning, pages in English."""
    User.objects.update(language="en")
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, 7, tzinfo=UTC), tick=False):
        yield


BAD = [
    ({"title": ""}, "Give the session a title."),
    ({"title": " \t "}, "Give the session a title."),
    ({"title": "x" * 10_000}, "The title has 10000 characters; 200 fit."),
    ({"description": "x" * 6_000}, "The description has 6000 characters; 5000 fit."),
    ({"start": "11:00", "end": "10:00"}, "The session ends before it starts."),
    ({"start": "10:00", "end": "10:00"}, "The session ends before it starts."),
    ({"day": "9.11", "start": "8:00", "end": "9:00"}, "That time has passed."),
    ({"day": "24.11.2025"}, "That time has passed."),
    ({"day": "24.11.2029"}, "Sessions are booked at most 730 days ahead."),
    ({"day": "31.12.2199"}, "Sessions are booked at most 730 days ahead."),
    ({"start": "7:00", "end": "24:00"}, "A session lasts at most 12 hours."),
    ({"day": "28.3.2027", "start": "2:30", "end": "4:00"}, "There is no 2:30 on Sunday, 28 March 2027"),
    ({"day": "31.10.2027", "start": "2:30", "end": "4:00"}, "2:30 comes twice on Sunday, 31 October 2027"),
    ({"day": "Sun 22.11"}, "Koszykowa 16 is closed all day on Sun 22 November."),
    ({"start": "17:30", "end": "18:30"}, "Koszykowa 16 is open 7:00–18:00 on Tue 24 November."),
    ({"day": "blursday"}, "“blursday” is not a day."),
    ({"day": "31.11"}, "There is no 31.11 in the calendar."),
    ({"day": "Fri 24.11.2026"}, "24 November 2026 is a Tuesday, not a Friday."),
    ({"day": ""}, "Say on which day"),
    ({"start": ""}, "Say at what time"),
    ({"end": "soon"}, "“soon” is not a time."),
    ({"rooms": ["abc"]}, "One of the rooms does not exist any more."),
    ({"rooms": ["999999999"]}, "One of the rooms does not exist any more."),
    ({"rooms": [str(10**30)]}, "One of the rooms does not exist any more."),
    ({"rooms": ["-1"]}, "One of the rooms does not exist any more."),
    ({"rooms": ["1\x00"]}, "One of the rooms does not exist any more."),
    ({"participants": ["user:999999999"]}, "One of the participants can&#x27;t be invited any more."),
    ({"participants": ["contact:999999999999999999"]}, "One of the participants can&#x27;t be invited any more."),
    ({"participants": [f"contact:{10**30}"]}, "is not an e-mail address."),
    ({"participants": ["address:pl:jan@x.example\nBcc: all@x.example"]}, "is not an e-mail address."),
    ({"participants": ["address:pl:jan\x00@x.example"]}, "is not an e-mail address."),
    (
        {"participants": ["<script>alert(1)</script>"]},
        "“&lt;script&gt;alert(1)&lt;/script&gt;” is not an e-mail address.",
    ),
    ({"who": "jan@@x.example"}, "“jan@@x.example” is not an e-mail address."),
    (
        {"addresses": "\n".join(f"a{n}@x.example" for n in range(500))},
        "501 people are invited; a session has room for 200.",
    ),
    ({"participants": [f"address:pl:a{n}@x.example" for n in range(500)]}, "501 people are invited"),
]


@pytest.mark.parametrize(("changed", "said"), BAD, ids=[f"{next(iter(item))}-{at}" for at, (item, _) in enumerate(BAD)])
def test_bad_input_is_refused_with_the_reason_and_kept(staff_client, office, changed, said):
    response = staff_client.post(NEW, fields(office, **changed))
    content = response.content.decode()
    assert response.status_code == 422
    assert said in content
    assert "The session is not booked yet" in content
    assert not Booking.objects.exists()
    # The live preview of the same form answers too.
    wanted = fields(office, **changed)
    del wanted["do"]
    assert staff_client.post(LOOK, wanted).status_code == 200


@pytest.mark.parametrize(
    "field", ["title", "description", "day", "start", "end", "rooms", "order", "participants", "who", "addresses"]
)
def test_a_zero_byte_anywhere_is_a_clean_refusal(staff_client, office, field):
    response = staff_client.post(NEW, fields(office, **{field: "a\x00b"}))
    assert response.status_code == 422
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    "field", ["submission", "number", "version", "seen", "guest_language", "csrfmiddlewaretoken", "is_private"]
)
def test_nonsense_in_a_hidden_field_is_no_error(staff_client, office, field):
    for nonsense in ("\x00", "<", "é" * 1000, "9" * 5000):
        wanted = fields(office, **{field: nonsense}, day="25.11")
        assert staff_client.post(NEW, wanted).status_code in {302, 422}
        assert staff_client.post(LOOK, wanted).status_code in {200, 404}


def test_every_problem_is_named_at_once_with_a_link_to_its_field(staff_client, office):
    wrong = fields(office, title="", day="x", end="y", participants=["address:pl:nobody"])
    content = staff_client.post(NEW, wrong).content.decode()
    for anchor in ("id_title", "id_day", "id_end"):
        assert f'<a href="#{anchor}">' in content
        assert f'id="{anchor}"' in content
        assert f'id="{anchor}_error"' in content


def test_a_title_that_looks_like_a_calendar_is_only_a_title(staff_client, office):
    response = staff_client.post(NEW, fields(office, title="BEGIN:VEVENT\r\nATTENDEE:mailto:x@y.example"))
    assert response.status_code == 302
    assert Booking.objects.get().title == "BEGIN:VEVENT ATTENDEE:mailto:x@y.example"


def test_markup_in_what_was_typed_is_shown_as_typed(staff_client, office):
    content = staff_client.post(NEW, fields(office, title="<b>x</b>", who='"><script>', day="x")).content.decode()
    assert "<b>x</b>" not in content
    assert '"><script>' not in content


def test_three_thousand_fields_are_refused_cleanly(staff_client, office):
    body = urlencode([("participants", f"address:pl:a{n}@x.example") for n in range(3_000)])
    assert staff_client.post(NEW, body, content_type=FORM).status_code == 400
    assert not Booking.objects.exists()


@pytest.mark.parametrize("path", [NEW, LOOK])
def test_bytes_that_are_no_text_are_no_accident(staff_client, office, path):
    wanted = urlencode({**fields(office), "rooms": office.room("KOS/2.14").pk, "title": ""}).encode()
    response = staff_client.post(path, wanted + b"%FF%FE\xff\xfe&day=%80", content_type=FORM)
    assert response.status_code in {200, 422}


@pytest.mark.long
def test_nonsense_in_a_button_is_no_accident(staff_client, office):
    buttons = [
        "time x/y",
        "time 2026-11-24T10:00+01:00/2026-11-24T11:00+01:00",
        "time 9999-12-31T23:00/9999-12-31T23:30",
    ]
    buttons += [
        "time 2026-11-24/2026-11-23",
        "room 1:abc",
        "room",
        "drop \x00",
        f"choose user:{10**30}",
        "split group:0",
    ]
    buttons += ["flip user:1", "flip \x00", "remove", "rebase", "", " ", "choose " + "x" * 5000]
    for button in buttons:
        for path in (NEW, LOOK):
            assert staff_client.post(path, fields(office, do=button)).status_code in {200, 302, 422}, button


def test_another_persons_session_is_not_there(colleague_client, staff_client, office):
    staff_client.post(NEW, fields(office))
    number = Booking.objects.get().number
    for name in ("booking_edit", "booking_cancel"):
        assert colleague_client.get(reverse(name, args=[number])).status_code == 404
        assert colleague_client.post(reverse(name, args=[number]), fields(office)).status_code == 404
    assert not Booking.objects.get().is_cancelled


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_not_allowed(staff_client, method):
    assert getattr(staff_client, method)(NEW).status_code == 405
