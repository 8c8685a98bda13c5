"""A series in the booking form: what it asks, what it says will happen, and that just this is booked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.http import QueryDict
from django.urls import reverse

from bookings import services
from bookings.forms import BookingForm, read_submission
from bookings.models import Booking, WaitlistEntry
from bookings.recurrence import Frequency, Pattern
from rooms.models import Room
from tests.bookings.views.booking_posts import NEW, fields
from tests.bookings.views.series_posts import LOOK, as_shown, look, series, take, text_of, the_series

TODAY = date(2026, 11, 9)


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[time_machine.Traveller]:
    """Monday 9 November 2026, 10:42:07 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, 7, tzinfo=UTC), tick=False) as traveller:
        yield traveller


# --- what the form says ---


def test_the_sentence_says_what_will_happen(staff_client, office):
    content = text_of(look(staff_client, series(office)))
    assert "co czwartek 10:00–11:00 do 30 czerwca, 28 spotkań, pomija 2 święta" in content
    assert "Pierwsze 3 grudnia 2026, ostatnie 24 czerwca 2027." in content
    assert "Pominięte: 24 grudnia (Wigilia Bożego Narodzenia), 27 maja (Dzień Bożego Ciała)." in content


def test_the_sentence_speaks_english_too(staff_client, office):
    office.staff.language = "en"
    office.staff.save()
    response = staff_client.post(LOOK, series(office, do="check"), headers={"accept-language": "en"})
    assert "every Thursday 10:00–11:00 until 30 June, 28 meetings, leaves out 2 holidays" in text_of(response)


def test_without_script_a_button_shows_the_same(staff_client, office):
    response = staff_client.post(NEW, series(office, do="check"))
    assert response.status_code == 200
    assert "co czwartek 10:00–11:00 do 30 czerwca, 28 spotkań, pomija 2 święta" in text_of(response)
    assert not Booking.objects.exists()


def test_a_single_session_has_no_dates_to_show(staff_client, office):
    response = look(staff_client, fields(office))
    assert response.context["outcome"] is None
    assert 'name="agreed"' not in response.content.decode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"until": "kiedyś"}, "„kiedyś” to nie jest dzień"),
        ({"until": "31.06.2027"}, "Takiego dnia nie ma w kalendarzu"),
        ({"ending": "count", "count": "dużo"}, "liczbę od 1 do 400"),
        ({"ending": "count", "count": ""}, "liczbę od 1 do 400"),
        ({"ending": "count", "count": "0"}, "liczbę od 1 do 400"),
    ],
)
def test_an_end_that_cannot_be_read_is_explained(staff_client, office, changed, words):
    assert words in text_of(look(staff_client, series(office, **changed)))
    response = staff_client.post(NEW, series(office, **changed))
    assert response.status_code == 422
    assert words in text_of(response)


@pytest.mark.parametrize(
    "changed",
    [
        {"ending": "count", "count": "401"},
        {"until": "1.12.2026"},
        {"until": "31.12.2029"},
        {"every_week": "0"},
    ],
)
def test_a_series_that_no_calendar_holds_is_refused_with_the_reason(staff_client, office, changed):
    response = staff_client.post(NEW, series(office, **changed))
    assert response.status_code == 422
    assert response.context["problems"]
    assert not Booking.objects.exists()


# --- how it is read ---


def read(**posted: Any) -> Pattern | None:
    data = QueryDict(mutable=True)
    data.update({"day": "3.12.2026", "start": "10", "end": "11", "until": "30.6.2027"})
    for name, value in posted.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    form = BookingForm(data, today=TODAY)
    assert form.has_time, form.errors
    return form.cleaned_data.get("pattern")


UNTIL = date(2027, 6, 30)


@pytest.mark.parametrize(
    ("posted", "expected"),
    [
        ({"repeat": "no"}, None),
        ({"repeat": "sometimes"}, None),
        ({"repeat": "weekly", "scope": "one"}, None),
        ({"repeat": "daily", "every_day": "3"}, Pattern(Frequency.DAILY, 3, until=UNTIL)),
        ({"repeat": "weekly"}, Pattern(Frequency.WEEKLY, 1, (3,), until=UNTIL)),
        ({"repeat": "weekly", "weekday": ["3", "1", "9", "x"]}, Pattern(Frequency.WEEKLY, 1, (1, 3), until=UNTIL)),
        (
            {"repeat": "weekly", "every_week": "2", "ending": "count", "count": "10"},
            Pattern(Frequency.WEEKLY, 2, (3,), count=10),
        ),
        ({"repeat": "monthly"}, Pattern(Frequency.MONTHLY, month_day=3, until=UNTIL)),
        ({"repeat": "monthly", "monthly": "nth"}, Pattern(Frequency.MONTHLY, 1, (3,), nth=1, until=UNTIL)),
        ({"repeat": "monthly", "monthly": "last"}, Pattern(Frequency.MONTHLY, 1, (3,), nth=-1, until=UNTIL)),
        (
            {"repeat": "monthly", "monthly": "nth", "day": "31.12.2026", "every_month": "3"},
            Pattern(Frequency.MONTHLY, 3, (3,), nth=-1, until=UNTIL),
        ),
    ],
)
def test_the_answers_make_a_rule(posted, expected):
    assert read(**posted) == expected


def test_a_series_on_the_weekday_of_its_day_follows_the_day():
    moved = {"repeat": "weekly", "day": "4.12.2026", "weekday_of": "3"}
    assert read(**moved, weekday=["3"]) == Pattern(Frequency.WEEKLY, 1, (4,), until=UNTIL)
    assert read(**moved, weekday=["1", "3"]) == Pattern(Frequency.WEEKLY, 1, (1, 3), until=UNTIL)


def test_the_series_begins_on_the_first_date_that_the_rule_names(staff_client, office):
    outcome = look(staff_client, series(office, weekday=["1"], weekday_of="3")).context["outcome"]
    assert outcome.request.local_start == datetime(2026, 12, 8, 10)


def test_the_address_may_ask_for_a_series(staff_client):
    data = staff_client.get(NEW, {"day": "2026-12-03", "repeat": "weekly", "until": "2027-01-30"}).context["data"]
    assert (data["day"], data["repeat"], data["until"]) == ("czw. 3.12.2026", "weekly", "sob. 30.01.2027")
    data = staff_client.get(NEW, {"repeat": "\x00", "until": "x"}).context["data"]
    assert data["repeat"] == "no"


# --- booking ---


def test_what_was_shown_is_booked(staff_client, office):
    wanted = series(office)
    response = staff_client.post(NEW, as_shown(look(staff_client, wanted), wanted))
    booking = Booking.objects.get()
    assert response.headers["Location"] == reverse("booking_show", args=[booking.number])
    assert booking.rrule == "FREQ=WEEKLY;BYDAY=TH;UNTIL=20270624T080000Z"
    assert booking.occurrences.count() == 28
    assert [item["on"] for item in booking.skipped] == ["2026-12-24", "2027-05-27"]


def test_dates_that_nobody_has_seen_are_shown_before_they_are_booked(staff_client, office):
    wanted = series(office)
    response = staff_client.post(NEW, wanted)
    assert response.status_code == 422
    assert "Najpierw obejrzyj terminy serii" in text_of(response)
    assert not Booking.objects.exists()
    staff_client.post(NEW, as_shown(response, wanted))
    assert Booking.objects.get().occurrences.count() == 28


def test_a_date_may_be_left_out_and_a_holiday_kept(staff_client, office):
    wanted = series(office, skip=["2026-12-10"], keep=["2026-12-24"])
    response = look(staff_client, wanted)
    content = text_of(response)
    assert "28 spotkań, pomija 1 święto i 1 wybrany termin" in content
    staff_client.post(NEW, as_shown(response, wanted))
    held = {at.date() for at in Booking.objects.get().occurrences.values_list("starts_at", flat=True)}
    assert date(2026, 12, 24) in held
    assert date(2026, 12, 10) not in held


def test_a_holiday_is_held_where_holidays_are_not_left_out(staff_client, office):
    wanted = series(office)
    del wanted["skip_holidays"]
    assert "30 spotkań" in response_words(look(staff_client, wanted))


def response_words(response) -> str:
    return response.context["outcome"].words


# --- dates that need a decision ---


def test_only_dates_in_the_way_are_asked_about(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10), datetime(2027, 2, 11))
    response = look(staff_client, series(office))
    rows = response.context["outcome"].rows
    assert [row.on for row in rows] == [date(2026, 12, 10), date(2027, 2, 11)]
    content = text_of(response)
    assert "Terminy do decyzji: 2" in content
    assert "Pozostałych 26 spotkań jest wolnych. Pomijamy 2 święta." in content
    assert all(row.options[-1].label in {"Pomiń ten termin", "Pomiń i czekaj, aż się zwolni"} for row in rows)


def test_the_proposal_is_another_room_and_is_booked(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10))
    wanted = series(office)
    response = look(staff_client, wanted)
    row = response.context["outcome"].rows[0]
    assert row.choice.rooms
    assert "w tym 1 w innej sali" in text_of(response)
    staff_client.post(NEW, as_shown(response, wanted))
    meeting = the_series().occurrences.get(starts_at=datetime(2026, 12, 10, 9, tzinfo=UTC))
    assert meeting.has_own_rooms
    assert [hold.room_id for hold in meeting.room_holds.filter(live=True)] == [row.choice.rooms[0][1]]


def test_a_date_is_never_proposed_without_any_room(staff_client, office):
    rooms = [office.room("KOS/2.14"), office.room("KOS/2.16")]
    Room.objects.exclude(pk__in=[room.pk for room in rooms]).update(is_active=False)
    take(office, "KOS/2.14", datetime(2026, 12, 10), datetime(2026, 12, 17))
    take(office, "KOS/2.16", datetime(2026, 12, 10))
    wanted = series(office, rooms=[room.pk for room in rooms], order=",".join(str(room.pk) for room in rooms))
    both, one = look(staff_client, wanted).context["outcome"].rows
    assert both.options[-1].label.startswith("Bez sali: ")
    assert not both.choice.rooms
    assert not both.options[-1].is_chosen
    assert "Bez sali: Sala wideo 2.14" in [option.label for option in one.options[:-1]]
    assert [kind.name for kind in one.kinds if kind.name in {"room", "fewer"}] == ["fewer"]


def test_another_time_is_offered_and_booked(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10))
    wanted = series(office)
    response = look(staff_client, wanted)
    row = response.context["outcome"].rows[0]
    other = next(option for option in row.options if option.choice.start)
    wanted = {**as_shown(response, wanted), row.name: other.value}
    response = look(staff_client, wanted)
    assert "w tym 1 o innej porze" in text_of(response)
    staff_client.post(NEW, as_shown(response, wanted))
    meeting = the_series().occurrences.get(has_own_time=True)
    assert meeting.local_start == f"{other.choice.start:%Y-%m-%dT%H:%M}"


def test_a_date_can_be_left_out(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10))
    wanted = series(office)
    shown = as_shown(look(staff_client, wanted), wanted) | {"choice-2026-12-10": "skip"}
    response = look(staff_client, shown)
    row = response.context["outcome"].rows[0]
    assert row.choice.is_skip
    assert "27 spotkań, pomija 2 święta i 1 wybrany termin" in text_of(response)
    staff_client.post(NEW, as_shown(response, wanted))
    assert the_series().occurrences.count() == 27


def test_one_button_leaves_out_all_of_them_and_one_takes_the_proposals_back(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10), datetime(2027, 2, 11))
    wanted = series(office)
    shown = as_shown(look(staff_client, wanted), wanted)
    response = staff_client.post(LOOK, shown | {"do": "leave"})
    assert [row.choice.is_skip for row in response.context["outcome"].rows] == [True, True]
    shown = as_shown(response, wanted)
    response = staff_client.post(LOOK, shown | {"do": "propose"})
    assert [row.choice.is_skip for row in response.context["outcome"].rows] == [False, False]


def test_choices_for_another_hour_count_no_more(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10))
    wanted = series(office)
    shown = as_shown(look(staff_client, wanted), wanted) | {"start": "14:00", "end": "15:00"}
    response = look(staff_client, shown)
    assert response.context["outcome"].rows == ()
    assert "28 spotkań, pomija 2 święta" in response_words(response)


def test_a_choice_that_nobody_offered_breaks_nothing(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10))
    wanted = series(office, until="17.12.2026")
    shown = as_shown(look(staff_client, wanted), wanted) | {"choice-never": "skip"}
    for value in ("", "dance", "rooms x:y", "time 2026/2027", "time a/b", "\x00", "rooms 1:999999"):
        shown["choice-2026-12-10"] = value
        assert look(staff_client, shown).status_code == 200
    assert staff_client.post(NEW, shown).status_code == 422


def test_a_room_lost_since_the_last_look_is_told_and_nothing_is_booked(staff_client, office):
    wanted = series(office)
    shown = as_shown(look(staff_client, wanted), wanted)
    services.release_draft(read_submission(wanted["submission"], user_id=office.staff.pk), office.staff)
    take(office, "KOS/2.14", datetime(2026, 12, 10))
    response = staff_client.post(NEW, shown)
    assert response.status_code == 422
    assert "1 termin wymaga decyzji: czw. 10 grudnia." in text_of(response)
    assert not Booking.objects.filter(title=wanted["title"]).exists()
    assert response.context["data"]["title"] == wanted["title"]
    again = staff_client.post(NEW, as_shown(response, wanted))
    assert again.status_code == 302


def test_dates_that_came_or_went_since_the_last_look_are_named(staff_client, office):
    wanted = series(office)
    response = look(staff_client, wanted)
    agreed = response.context["outcome"].agreed.replace("2026-12-10", "2026-12-24")
    response = staff_client.post(NEW, as_shown(response, wanted) | {"agreed": agreed})
    assert response.status_code == 422
    content = text_of(response)
    assert "Bez spotkania: 24 grudnia (Wigilia Bożego Narodzenia)." in content
    assert "Teraz ze spotkaniem: 10 grudnia." in content


def test_rooms_say_on_how_many_dates_they_are_free(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10), datetime(2027, 2, 11))
    wanted = series(office)
    look(staff_client, wanted)
    cards = {card.room.pk: card for block in look(staff_client, wanted).context["sites"] for card in block.cards}
    assert cards[office.room("KOS/2.14").pk].state == "wolna 26 z 28"
    assert cards[office.room("KOS/2.16").pk].state == "wolna 28 z 28"


def test_a_date_that_is_left_out_can_wait_for_its_turn(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10))
    wanted = series(office)
    shown = as_shown(look(staff_client, wanted), wanted) | {"choice-2026-12-10": "wait"}
    response = look(staff_client, shown)
    assert response.context["outcome"].rows[0].choice.waits
    assert staff_client.post(NEW, as_shown(response, wanted)).status_code == 302
    entry = WaitlistEntry.objects.get()
    assert (entry.booking, entry.on, entry.user) == (the_series(), date(2026, 12, 10), office.staff)


def test_a_date_that_cannot_be_waited_for_is_named_after_the_save(staff_client, office):
    wanted = series(office, weekday=["3", "5"], until="5.12.2026")
    # On Saturdays the site is closed, and nobody gives that up.
    shown = as_shown(look(staff_client, wanted), wanted) | {"choice-2026-12-05": "wait"}
    answer = staff_client.post(NEW, as_shown(look(staff_client, shown), wanted), follow=True)
    (words,) = [str(item) for item in answer.context["messages"] if item.level_tag == "warning"]
    assert "5 grudnia" in words
    assert "Koszykowa" in words
    assert not WaitlistEntry.objects.exists()
    assert the_series().occurrences.count() == 1


def test_ones_own_other_form_is_in_no_dates_way(staff_client, office):
    look(staff_client, series(office))
    again = series(office)
    assert len(look(staff_client, again).context["outcome"].rows) == 0
    # What was proposed while another form was in the way is not kept once that gives way.
    third = series(office) | {f"choice-2026-12-{day}": "skip" for day in ("03", "10", "17")}
    shown = look(staff_client, third | {"basis": look(staff_client, series(office)).context["outcome"].basis})
    assert len(shown.context["outcome"].rows) == 0
    assert len(shown.context["outcome"].assessment.meetings) == 28


def test_a_room_that_is_mostly_taken_is_swapped_for_the_whole_series(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 3), datetime(2026, 12, 10))
    wanted = series(office, until="17.12.2026")
    offer = look(staff_client, wanted).context["swaps"][0]
    response = staff_client.post(LOOK, wanted | {"do": offer.do})
    assert response.context["outcome"].rows == ()
    assert look(staff_client, series(office)).context["swaps"] == []


def test_the_hours_of_any_date_can_be_looked_at(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 12, 10))
    response = look(staff_client, series(office))
    assert response.context["aside"]["dates"][0].value == "2026-12-10"
    assert "Komisja lekarska" in text_of(response)
    response = look(staff_client, series(office, shown="2026-12-17"))
    shown = [item.value for item in response.context["aside"]["dates"] if item.is_shown]
    assert shown == ["2026-12-17"]
