"""What is written to other people's programs in answer: DECLINECOUNTER, and the REPLY of a room."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import icalendar
import pytest
import vobject

from integrations.ical.render import Moment, Person, RoomReply, Single, render_decline_counter, render_room_reply
from integrations.ical.zones import warsaw_vtimezone
from tests.integrations.ical.meetings import MEETING, lines_of, meeting, parsed
from tests.integrations.ical.series import FIRST, rule

LOCAL = datetime(2027, 3, 29, 9, 30)
REPLY = RoomReply(
    uid="040000008200E00074C5B7101A82E008",
    sequence=2,
    stamped_at=datetime(2026, 11, 9, 7, 0, tzinfo=UTC),
    recurrence=None,
    starts=Moment(LOCAL, "Central European Standard Time", "Europe/Warsaw"),
    ends=Moment(LOCAL.replace(hour=11), "Central European Standard Time", "Europe/Warsaw"),
    summary="Narada działu; plan, budżet",
    organizer=Person("jan.kruk@udsc.example", "Jan Kruk"),
    attendee_address="sala-2.14@udsc.example",
    attendee_name="Sala wideo 2.14",
    partstat="DECLINED",
    comment="Sala jest zajęta.\nWolna jest Sala 3.01.",
    request_status="4.1;Event conflict",
)


def test_reply_of_a_room_is_exactly_these_lines() -> None:
    zone = warsaw_vtimezone().replace(b"\r\nTZID:Europe/Warsaw", b"\r\nTZID:Central European Standard Time").decode()
    assert lines_of(render_room_reply(REPLY)) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Narada//Narada//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:REPLY",
        *zone.split("\r\n")[:-1],
        "BEGIN:VEVENT",
        "UID:040000008200E00074C5B7101A82E008",
        "SEQUENCE:2",
        "DTSTAMP:20261109T070000Z",
        "DTSTART;TZID=Central European Standard Time:20270329T093000",
        "DTEND;TZID=Central European Standard Time:20270329T113000",
        r"SUMMARY:Narada działu\; plan\, budżet",
        'ORGANIZER;CN="Jan Kruk":mailto:jan.kruk@udsc.example',
        'ATTENDEE;CN="Sala wideo 2.14";CUTYPE=ROOM;PARTSTAT=DECLINED:mailto:sala-2.14@udsc.example',
        r"COMMENT:Sala jest zajęta.\nWolna jest Sala 3.01.",
        "REQUEST-STATUS:4.1;Event conflict",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_reply_names_the_meeting_as_the_invitation_did() -> None:
    recurrence = Moment(LOCAL, "Europe/Helsinki", "Europe/Helsinki")
    raw = render_room_reply(replace(REPLY, recurrence=recurrence))
    assert "RECURRENCE-ID;TZID=Europe/Helsinki:20270329T093000" in lines_of(raw)
    # Two zones are named, and both are in the file.
    zones = icalendar.Calendar.from_ical(raw).walk("VTIMEZONE")
    assert [str(zone["TZID"]) for zone in zones] == ["Europe/Helsinki", "Central European Standard Time"]
    [event] = vobject.readOne(raw.decode()).contents["vevent"]
    assert event.recurrence_id.value.astimezone(UTC) == datetime(2027, 3, 29, 6, 30, tzinfo=UTC)
    assert event.dtstart.value.astimezone(UTC) == datetime(2027, 3, 29, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(Moment(LOCAL, "UTC", "UTC"), id="UTC"),
        pytest.param(
            Moment(LOCAL, "Customized Time Zone", "", datetime(2027, 3, 29, 9, 30, tzinfo=UTC)), id="rules of the file"
        ),
        pytest.param(Moment(LOCAL.replace(hour=10), "WAT", "Africa/Casablanca"), id="clocks changed by decree"),
        pytest.param(Moment(LOCAL.replace(hour=11), 'W"arsaw^', "Europe/Warsaw"), id="a name nobody reads again"),
    ],
)
def test_what_no_zone_can_say_is_the_same_instant_in_utc(moment: Moment) -> None:
    instant = moment.instant
    raw = render_room_reply(replace(REPLY, recurrence=moment, starts=moment, ends=None))
    assert f"RECURRENCE-ID:{instant:%Y%m%dT%H%M%SZ}" in lines_of(raw)
    assert b"VTIMEZONE" not in raw


def test_reply_has_one_attendee_and_asks_for_nothing() -> None:
    attendee = parsed(render_room_reply(REPLY))["ATTENDEE"]
    assert attendee == "mailto:sala-2.14@udsc.example"
    assert dict(attendee.params) == {"CN": "Sala wideo 2.14", "CUTYPE": "ROOM", "PARTSTAT": "DECLINED"}


def test_long_name_of_a_zone_is_folded_between_characters() -> None:
    name = "(UTC+01:00) Sarajewo, Skopje, Warszawa, Zagrzeb i kilka innych miast, też tych z ą i ę"
    raw = render_room_reply(
        replace(REPLY, starts=Moment(LOCAL, name, "Europe/Warsaw"), ends=Moment(LOCAL, name, "Europe/Warsaw"))
    )
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    [zone] = icalendar.Calendar.from_ical(raw).walk("VTIMEZONE")
    assert zone["TZID"] == name
    [start] = [line for line in lines_of(raw) if line.startswith("DTSTART;TZID=")]
    assert start == f'DTSTART;TZID="{name}":20270329T093000'


def test_texts_of_strangers_can_not_add_lines() -> None:
    hostile = "x\r\nEND:VEVENT\nATTENDEE:mailto:a@example.org"
    raw = render_room_reply(
        replace(REPLY, uid="u\r\nMETHOD:CANCEL", summary=hostile, comment=hostile, request_status="2.0;ok\r\nX-A:b")
    )
    [event] = icalendar.Calendar.from_ical(raw).walk("VEVENT")
    assert event["ATTENDEE"] == "mailto:sala-2.14@udsc.example"
    assert [line for line in lines_of(raw) if line.startswith(("METHOD", "X-A", "END:VEVENT"))] == [
        "METHOD:REPLY",
        "END:VEVENT",
    ]


def test_declined_proposal_is_named_by_its_own_sequence_and_says_nothing_new() -> None:
    raw = render_decline_counter(meeting(sequence=5, partstat="ACCEPTED"), sequence=3)
    assert lines_of(raw)[4:5] + lines_of(raw)[-13:] == [
        "METHOD:DECLINECOUNTER",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        f"UID:{MEETING.uid}",
        "SEQUENCE:3",
        "DTSTAMP:20261109T070000Z",
        "DTSTART;TZID=Europe/Warsaw:20261124T110000",
        "DTEND;TZID=Europe/Warsaw:20261124T123000",
        "SUMMARY:Konsultacje z Mazowieckim UW: zezwolenia na pobyt",
        'ORGANIZER;CN="Anna Wrzesińska":mailto:narada@udsc.example',
        'ATTENDEE;CN="Katarzyna Lewandowska-Mróz";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;'
        "PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:k.lewandowska@mazowieckie.example",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_declined_proposal_for_one_meeting_names_it_in_the_series_zone() -> None:
    raw = render_decline_counter(meeting(part_of=Single(rule(), FIRST)), sequence=0)
    assert f"RECURRENCE-ID;TZID=Europe/Warsaw:{FIRST:%Y%m%dT%H%M%S}" in lines_of(raw)
    assert b"RRULE:FREQ=WEEKLY" not in raw
