"""The calendar part, read by libraries that know nothing of each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import vobject

from integrations.ical.render import MAX_DESCRIPTION, MAX_LOCATION, Person, render_cancel, render_request
from tests.integrations.ical.meetings import MEETING, URL, instants_by_reader, lasting, lines_of, meeting, parsed

# calendar-mail.md C1, byte for byte. Repeated here so that an edit of the file in the product is noticed.
VTIMEZONE = b"""BEGIN:VTIMEZONE
TZID:Europe/Warsaw
X-LIC-LOCATION:Europe/Warsaw
BEGIN:DAYLIGHT
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
""".replace(b"\n", b"\r\n")


def test_request_is_exactly_these_lines() -> None:
    lines = lines_of(render_request(MEETING))
    zone = VTIMEZONE.decode().split("\r\n")[:-1]
    assert lines == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Narada//Narada//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:REQUEST",
        *zone,
        "BEGIN:VEVENT",
        "UID:0f8fad5b-d9cb-469f-a165-70867728950e@narada.udsc.example",
        "SEQUENCE:0",
        "DTSTAMP:20261109T070000Z",
        "LAST-MODIFIED:20261109T070000Z",
        "DTSTART;TZID=Europe/Warsaw:20261124T110000",
        "DTEND;TZID=Europe/Warsaw:20261124T123000",
        "SUMMARY:Konsultacje z Mazowieckim UW: zezwolenia na pobyt",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        'ORGANIZER;CN="Anna Wrzesińska":mailto:narada@udsc.example',
        'ATTENDEE;CN="Katarzyna Lewandowska-Mróz";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;'
        "PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:k.lewandowska@mazowieckie.example",
        rf"LOCATION:Sala wideo 2.14\, ul. Koszykowa 16\, 00-564 Warszawa · {URL}",
        rf"DESCRIPTION:{URL}\n\nOmówimy zaległości\, nowe wzory pism i pytania.",
        f"URL:{URL}",
        f"CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=Dołącz:{URL}",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_cancel_takes_back_the_same_event_and_offers_no_way_in() -> None:
    event = parsed(render_cancel(meeting(sequence=3)))
    assert {name: str(event[name]) for name in ("UID", "SEQUENCE", "STATUS", "TRANSP", "LOCATION")} == {
        "UID": MEETING.uid,
        "SEQUENCE": "3",
        "STATUS": "CANCELLED",
        "TRANSP": "TRANSPARENT",
        "LOCATION": MEETING.place,
    }
    assert event["ORGANIZER"] == "mailto:narada@udsc.example"
    assert event["ATTENDEE"] == "mailto:k.lewandowska@mazowieckie.example"
    assert b"METHOD:CANCEL\r\n" in render_cancel(MEETING)
    assert VTIMEZONE in render_cancel(MEETING)
    assert URL in lines_of(render_request(MEETING))[-8]
    assert URL.encode() not in render_cancel(MEETING).replace(b"\r\n ", b"")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(datetime(2026, 11, 24, 10, tzinfo=UTC), id="winter"),
        pytest.param(datetime(2027, 7, 1, 10, tzinfo=UTC), id="summer"),
        pytest.param(datetime(2027, 3, 28, 0, 30, tzinfo=UTC), id="across the spring change"),
        pytest.param(datetime(2027, 3, 28, 1, 0, tzinfo=UTC), id="first instant of summer time"),
        pytest.param(datetime(2027, 10, 30, 22, 30, tzinfo=UTC), id="into the repeated hour"),
        pytest.param(datetime(2027, 10, 31, 0, 30, tzinfo=UTC), id="repeated hour, first time"),
        pytest.param(datetime(2027, 10, 31, 1, 30, tzinfo=UTC), id="repeated hour, second time"),
        pytest.param(datetime(2027, 10, 31, 2, 0, tzinfo=UTC), id="after the repeated hour"),
        pytest.param(datetime(2026, 12, 31, 22, 30, tzinfo=UTC), id="across the year's end"),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Warsaw", "Europe/Helsinki"])
def test_every_reader_finds_the_same_instants(start: datetime, zone: str) -> None:
    interval = lasting(start, hours=2)
    found = instants_by_reader(render_request(meeting(interval=interval, time_zone=zone)))
    expected = (interval.start_at, interval.end_at)
    assert found == {"icalendar": expected, "vobject": expected, "recurring-ical-events": expected}


@pytest.mark.parametrize(
    ("start", "zone", "is_local"),
    [
        (datetime(2027, 7, 1, 10, tzinfo=UTC), "Europe/Warsaw", True),
        (datetime(2027, 10, 31, 2, tzinfo=UTC), "Europe/Warsaw", True),
        # Starts, or ends, at a wall-clock time that comes twice.
        (datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "Europe/Warsaw", False),
        (datetime(2027, 10, 30, 22, 30, tzinfo=UTC), "Europe/Warsaw", False),
        # Nobody tried another zone's block with every reader.
        (datetime(2027, 7, 1, 10, tzinfo=UTC), "Europe/Helsinki", False),
    ],
)
def test_local_time_only_where_every_reader_understands_it(start: datetime, zone: str, is_local: bool) -> None:
    raw = render_request(meeting(interval=lasting(start, hours=2), time_zone=zone))
    assert (VTIMEZONE in raw) is is_local
    assert (b"DTSTART;TZID=Europe/Warsaw:" in raw) is is_local
    assert (f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\n".encode() in raw) is not is_local


def test_organizer_is_chair_and_is_not_asked() -> None:
    attendee = parsed(render_request(meeting(is_chair=True)))["ATTENDEE"]
    assert dict(attendee.params) == {
        "CN": "Katarzyna Lewandowska-Mróz",
        "CUTYPE": "INDIVIDUAL",
        "ROLE": "CHAIR",
        "PARTSTAT": "ACCEPTED",
    }


def test_answer_given_before_is_carried() -> None:
    attendee = parsed(render_request(meeting(partstat="ACCEPTED")))["ATTENDEE"]
    assert (attendee.params["PARTSTAT"], attendee.params["RSVP"]) == ("ACCEPTED", "TRUE")


def test_same_join_address_in_four_places() -> None:
    [event] = vobject.readOne(render_request(MEETING).decode()).contents["vevent"]
    assert event.location.value.endswith(f" · {URL}")
    assert event.description.value.splitlines()[0] == URL
    assert event.url.value == URL
    assert event.conference.value == URL


def test_without_rooms_location_is_the_bare_address() -> None:
    assert parsed(render_request(meeting(place="")))["LOCATION"] == URL


def test_address_survives_a_place_that_is_too_long() -> None:
    place = parsed(render_request(meeting(place="Sala " * 100)))["LOCATION"]
    assert len(place) <= MAX_LOCATION
    assert place.endswith(f"… · {URL}")


def test_long_description_is_cut_between_letters() -> None:
    text = str(parsed(render_request(meeting(description="ż" * 10_000)))["DESCRIPTION"])
    assert text.removeprefix(f"{URL}\n\n") == "ż" * (MAX_DESCRIPTION // 2) + "…"


def test_closed_session_is_private_in_the_calendar() -> None:
    assert parsed(render_request(meeting(is_private=True)))["CLASS"] == "PRIVATE"
    assert "CLASS" not in parsed(render_request(MEETING))


def test_quotes_and_carets_in_names_do_not_become_codes() -> None:
    event = parsed(render_request(meeting(attendee=Person("jan@example.org", 'Jan "Kruk" ^Nowak, dr; hab.'))))
    assert event["ATTENDEE"].params["CN"] == "Jan ”Kruk” ˆNowak, dr; hab."


def test_person_without_a_name_has_no_cn() -> None:
    assert "CN" not in parsed(render_request(meeting(attendee=Person("jan@example.org"))))["ATTENDEE"].params


def test_rare_letters_of_an_address_are_encoded() -> None:
    event = parsed(render_request(meeting(attendee=Person("a%b?c#d+e@example.org"))))
    assert event["ATTENDEE"] == "mailto:a%25b%3Fc%23d+e@example.org"


def test_no_alarm_and_no_properties_that_clients_strip() -> None:
    raw = render_request(MEETING)
    for unwanted in (b"VALARM", b"SCHEDULE-", b"ATTACH", b"X-ALT-DESC", b"APPT-SEQUENCE", b"RDATE", b"X-GOOGLE"):
        assert unwanted not in raw


@pytest.mark.parametrize("year", range(2026, 2032))
def test_block_alone_agrees_with_the_zone_around_both_changes(year: int) -> None:
    """The name is one that no reader knows, so that vobject has nothing but the block to go by."""
    for change in changes_of_clocks(year):
        for hours in (-26, -2, 0, 1, 26):
            interval = lasting(change + timedelta(hours=hours), minutes=30)
            raw = render_request(meeting(interval=interval)).replace(b"Europe/Warsaw", f"Narada/{year}".encode())
            [event] = vobject.readOne(raw.decode()).contents["vevent"]
            assert event.dtstart.value.astimezone(UTC) == interval.start_at
            assert event.dtend.value.astimezone(UTC) == interval.end_at


def changes_of_clocks(year: int) -> list[datetime]:
    """Return the instants at which clocks in Warsaw change, found by asking tzdata hour by hour."""
    zone = ZoneInfo("Europe/Warsaw")
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=count) for count in range(365 * 24)]
    return [
        later
        for earlier, later in pairwise(hours)
        if earlier.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset()
    ]
