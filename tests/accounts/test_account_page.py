"""The account page says what is chosen now, leads to where each is changed, and says when it was saved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.feeds.models import CalendarFeed
from notifications.models import ReminderChoice
from tests.factories import Office

ACCOUNT = reverse("account_show")


def page(client: Client) -> str:
    return client.get(ACCOUNT).content.decode()


def test_everything_that_is_chosen_is_said(staff_client: Client, office: Office) -> None:
    staff_client.cookies["narada_theme"] = "dark"
    staff_client.cookies["narada_contrast"] = "more"
    ReminderChoice.objects.create(
        user=office.staff, leads=[timedelta(hours=24), timedelta(minutes=15)], changed_at=timezone.now()
    )
    html = page(staff_client)
    for text in ("Polski", "Europe/Warsaw", "24 godziny i 15 minut przed", reverse("reminder_choice")):
        assert text in html
    assert f'href="{reverse("feed_list")}"' in html


def test_calendars_are_named_and_their_addresses_are_not_shown(staff_client: Client, office: Office) -> None:
    room = office.room("KOS/2.14")
    feed = CalendarFeed.objects.create(owner=office.staff, room=room, created_at=timezone.now())
    html = page(staff_client)
    assert room.name in html
    assert feed.key not in html


def test_three_calendars_ask_as_often_as_one(staff_client: Client, office: Office) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            page(staff_client)
        return len(asked)

    page(staff_client)  # The first one prepares statements.
    for number, code in enumerate(("KOS/2.14", "KOS/2.16", "TAB/A")):
        CalendarFeed.objects.create(owner=office.staff, room=office.room(code), created_at=timezone.now())
        if not number:
            one = queries()
    assert queries() == one


@pytest.mark.parametrize(("address", "wanted"), [(ACCOUNT, ACCOUNT), (reverse("preferences"), ACCOUNT)])
def test_what_was_saved_is_said(staff_client: Client, address: str, wanted: str) -> None:
    sent = {
        ACCOUNT: {"language": "pl", "time_zone": "Europe/Warsaw", "phone": ""},
        reverse("preferences"): {"theme": "dark", "contrast": "", "say": "on", "next": ACCOUNT},
    }[address]
    answer = staff_client.post(address, sent, follow=True)
    assert answer.redirect_chain == [(wanted, 302)]
    assert 'class="toast"' in answer.content.decode()


def test_a_choice_in_the_dialog_leaves_no_message_for_the_next_page(staff_client: Client) -> None:
    staff_client.post(reverse("preferences"), {"theme": "dark", "contrast": "", "next": ACCOUNT})
    assert 'class="toast"' not in page(staff_client)
