"""Time zones of other people's calendars: known, told by the file, or refused; never guessed (calendar-mail.md H10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from integrations.ical.zones import clock_of_series
from integrations.mailbox.facts import ReadTime
from integrations.mailbox.reader.zones import known_name
from tests.integrations.mailbox.reader.mails import ZONE, calendar_mail, event, read, read_event

CUSTOM = "Customized Time Zone"
#: A zone with no place on earth: half an hour ahead of UTC, an hour and a half in summer.
NOWHERE = ZONE.replace("0200", "0130").replace("0100", "0030").replace("{tzid}", CUSTOM)


def starts(value: str, *, zone: str = "", parameters: str = "") -> ReadTime:
    found = read_event(f"DTSTART{parameters}:{value}", zone=zone).starts
    assert found is not None
    return found


def doubts(value: str, *, zone: str = "", parameters: str = "") -> tuple[str, ...]:
    found = read(calendar_mail(event(f"DTSTART{parameters}:{value}", zone=zone))).calendar
    assert found is not None
    return found.doubts


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tzid", "name"),
    [
        ("Europe/Warsaw", "Europe/Warsaw"),
        ("europe/warsaw", "Europe/Warsaw"),
        ("/freeassociation.sourceforge.net/Europe/Warsaw", "Europe/Warsaw"),
        ("/mozilla.org/20050126_1/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ("Central European Standard Time", "Europe/Warsaw"),
        ("CENTRAL EUROPEAN STANDARD TIME", "Europe/Warsaw"),
        ('"W. Europe Standard Time"', "Europe/Berlin"),
        ("UTC", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("tzone://Microsoft/Custom", ""),
        ("Customized Time Zone", ""),
        ("(UTC+01:00) Sarajevo, Skopje, Warsaw, Zagreb", ""),
        ("posixrules", ""),
        ("../../etc/passwd", ""),
        ("Europe", ""),
        ("", ""),
    ],
)
def test_names_of_zones(tzid: str, name: str) -> None:
    assert known_name(tzid) == name


def test_every_name_of_windows_is_a_zone() -> None:
    assert len(WINDOWS_TO_OLSON) >= 139
    for name in [*WINDOWS_TO_OLSON, "Kamchatka Standard Time"]:
        assert known_name(name), name
        ZoneInfo(known_name(name))


def test_kinds_of_moments() -> None:
    warsaw = "Central European Standard Time"
    assert starts("20260701T090000", parameters=";TZID=Europe/Warsaw") == ReadTime(
        datetime(2026, 7, 1, 9), "Europe/Warsaw", utc(2026, 7, 1, 7)
    )
    assert starts("20261201T090000", parameters=f";TZID={warsaw}") == ReadTime(
        datetime(2026, 12, 1, 9), "Europe/Warsaw", utc(2026, 12, 1, 8), tzid_written=warsaw
    )
    assert starts("20260701T090000Z") == ReadTime(datetime(2026, 7, 1, 9), "UTC", utc(2026, 7, 1, 9))
    assert starts("20260701T090000") == ReadTime(datetime(2026, 7, 1, 9), "", None), "floating"
    assert starts("20260701", parameters=";VALUE=DATE") == ReadTime(datetime(2026, 7, 1), "", None, is_date=True)
    assert starts("20260701T090000", parameters=";TZID=Nowhere") == ReadTime(
        datetime(2026, 7, 1, 9), "", None, tzid_written="Nowhere"
    )
    assert starts("20260701T090000Z", parameters=";TZID=Nowhere").at == utc(2026, 7, 1, 9), "Z counts"


@pytest.mark.parametrize(("local", "hour"), [("20260701T090000", 7), ("20261201T090000", 8), ("20270328T040000", 2)])
def test_custom_zone_is_read_by_its_own_rules(local: str, hour: int) -> None:
    zone = ZONE.replace("{tzid}", CUSTOM)
    found = starts(local, zone=zone, parameters=f";TZID={CUSTOM}")
    assert found.at is not None
    assert (found.at.hour, found.tzid, found.tzid_written) == (hour, "Europe/Warsaw", CUSTOM)
    assert doubts(local, zone=zone, parameters=f";TZID={CUSTOM}") == (
        "'Customized Time Zone' is read as Europe/Warsaw",
    )


def test_display_name_with_commas_and_colon_is_read_by_its_own_rules() -> None:
    name = "(UTC+01:00) Sarajewo, Skopie, Warszawa, Zagrzeb"
    found = starts("20260701T090000", zone=ZONE.replace("{tzid}", name), parameters=f';TZID="{name}"')
    assert found == ReadTime(datetime(2026, 7, 1, 9), "Europe/Warsaw", utc(2026, 7, 1, 7), tzid_written=name)


def test_zone_like_no_place_says_instants_but_no_name() -> None:
    summer = starts("20260701T090000", zone=NOWHERE, parameters=f";TZID={CUSTOM}")
    winter = starts("20261201T090000", zone=NOWHERE, parameters=f";TZID={CUSTOM}")
    assert (summer.at, summer.tzid) == (utc(2026, 7, 1, 7, 30), "")
    assert (winter.at, winter.tzid) == (utc(2026, 12, 1, 8, 30), "")


def test_zone_without_rules_stands_still() -> None:
    still = (
        f"BEGIN:VTIMEZONE\nTZID:{CUSTOM}\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
        "TZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    found = starts("20260701T090000", zone=still, parameters=f";TZID={CUSTOM}")
    assert found.at == utc(2026, 7, 1, 6)
    assert ZoneInfo(found.tzid).utcoffset(datetime(2026, 7, 1)) == timedelta(hours=3)


def test_zone_of_single_dates_is_read() -> None:
    """Some programs, among them icalendar itself, write each change as an RDATE."""
    zone = ZONE.replace("{tzid}", CUSTOM)
    zone = zone.replace("RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", "RDATE:20251026T030000,20261025T030000")
    zone = zone.replace(
        "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3", "RDATE:20250330T020000\nRDATE:20260329T020000"
    )
    for local, at in (("20260701T090000", utc(2026, 7, 1, 7)), ("20261201T090000", utc(2026, 12, 1, 8))):
        assert starts(local, zone=zone, parameters=f";TZID={CUSTOM}").at == at
    assert starts("20280701T090000", zone=zone, parameters=f";TZID={CUSTOM}").at == utc(2028, 7, 1, 8), "the last one"


def test_iana_name_wins_over_what_the_file_says_of_it() -> None:
    wrong = NOWHERE.replace(CUSTOM, "Europe/Warsaw")
    parameters = ";TZID=Europe/Warsaw"
    assert starts("20260701T090000", zone=wrong, parameters=parameters).at == utc(2026, 7, 1, 7)
    assert doubts("20260701T090000", zone=wrong, parameters=parameters) == (
        "the file's own rules for Europe/Warsaw differ from those of Europe/Warsaw, which count",
    )
    right = ZONE.replace("{tzid}", "Europe/Warsaw")
    assert doubts("20260701T090000", zone=right, parameters=parameters) == ()


@pytest.mark.parametrize("tzid", ["Europe/Warsaw", CUSTOM])
def test_hour_that_does_not_exist_or_comes_twice_is_said(tzid: str) -> None:
    zone, parameters = ZONE.replace("{tzid}", tzid), f";TZID={tzid}"
    gap = starts("20270328T023000", zone=zone, parameters=parameters)
    assert gap.at == utc(2027, 3, 28, 1, 30), "by the clock before the change (RFC 5545 3.3.5)"
    assert doubts("20270328T023000", zone=zone, parameters=parameters)[-1] == (
        f"2027-03-28 02:30 does not exist in {tzid}; it is read as 01:30 UTC"
    )
    double = starts("20261025T023000", zone=zone, parameters=parameters)
    assert double.at == utc(2026, 10, 25, 0, 30), "the first of the two"
    assert "comes twice" in doubts("20261025T023000", zone=zone, parameters=parameters)[-1]
    assert starts("20261025T033000", zone=zone, parameters=parameters).at == utc(2026, 10, 25, 2, 30)


def test_own_rules_agree_with_the_zone_database_around_every_change() -> None:
    zone, warsaw = ZONE.replace("{tzid}", CUSTOM), ZoneInfo("Europe/Warsaw")
    for year in (2026, 2027, 2030):
        for month, day in ((1, 1), (3, 27), (3, 28), (3, 29), (3, 31), (10, 24), (10, 25), (10, 26), (12, 31)):
            for hour in range(0, 24, 3):
                local = datetime(year, month, day, hour, 10)
                found = starts(f"{local:%Y%m%dT%H%M%S}", zone=zone, parameters=f";TZID={CUSTOM}")
                assert found.at == local.replace(tzinfo=warsaw).astimezone(UTC), local


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=SECONDLY", "not a plain yearly one"),
        ("FREQ=DAILY", "not a plain yearly one"),
        ("FREQ=YEARLY;INTERVAL=0", "not a plain yearly one"),
        ("FREQ=YEARLY;BYSECOND=0,1,2", "not a plain yearly one"),
        ("FREQ=YEARLY;BYMONTH=13;BYDAY=-1SU", "can't be read"),
        ("FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", "several months"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=99SU", "no month has"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=SU,MO", "several weekdays"),
    ],
)
def test_zone_that_asks_for_too_much_is_not_used(rule: str, words: str) -> None:
    zone = ZONE.replace("{tzid}", CUSTOM).replace("FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", rule)
    assert starts("20260701T090000", zone=zone, parameters=f";TZID={CUSTOM}").at is None
    assert words in doubts("20260701T090000", zone=zone, parameters=f";TZID={CUSTOM}")[0]


def test_zone_without_offsets_is_not_used() -> None:
    zone = ZONE.replace("{tzid}", CUSTOM).replace("TZOFFSETTO:+0100", "TZOFFSETTO:+9900")
    assert starts("20260701T090000", zone=zone, parameters=f";TZID={CUSTOM}").at is None


def test_zone_of_one_mail_says_nothing_about_the_next() -> None:
    assert starts("20260701T090000", zone=NOWHERE, parameters=f";TZID={CUSTOM}").at == utc(2026, 7, 1, 7, 30)
    assert starts("20260701T090000", zone=ZONE.replace("{tzid}", CUSTOM), parameters=f";TZID={CUSTOM}").at == utc(
        2026, 7, 1, 7
    )
    assert starts("20260701T090000", parameters=f";TZID={CUSTOM}").at is None


@pytest.mark.parametrize(
    ("duration", "ends"),
    [
        ("PT1H30M", utc(2027, 3, 27, 12, 30)),
        ("P1D", utc(2027, 3, 28, 10)),
        ("PT24H", utc(2027, 3, 28, 11)),
        ("P1W", utc(2027, 4, 3, 10)),
        ("P1DT1H", utc(2027, 3, 28, 11)),
    ],
)
def test_duration_counts_days_by_the_calendar_and_hours_by_the_clock(duration: str, ends: datetime) -> None:
    found = read_event("DTSTART;TZID=Europe/Warsaw:20270327T120000", f"DURATION:{duration}").ends
    assert found is not None
    assert found.at == ends
    assert found.local == ends.astimezone(ZoneInfo("Europe/Warsaw")).replace(tzinfo=None)


@pytest.mark.parametrize("duration", ["-PT1H", "PT", "P", "1H", "PT99999999H"])
def test_duration_that_is_none_is_a_fault(duration: str) -> None:
    found = read_event("DTSTART:20270327T120000Z", f"DURATION:{duration}")
    assert (found.ends, found.fault) == (None, "DURATION can't be read")


PLACES = (
    *("Europe/London", "Europe/Dublin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe"),
    *("Pacific/Auckland", "Asia/Kathmandu", "America/St_Johns", "Europe/Helsinki", "Asia/Tokyo", "Africa/Abidjan"),
)


@pytest.mark.parametrize("place", PLACES)
def test_rules_of_any_place_are_run_rightly(place: str) -> None:
    """Under a name that nobody knows, so that only the block that goes out for this zone can tell the instants."""
    zone, block = ZoneInfo(place), clock_of_series(place, year=2026).block.decode().replace(place, "Unknown")
    for day in range(0, 730, 13):
        local = datetime(2026, 1, 1, 9, 30) + timedelta(days=day)
        found = starts(f"{local:%Y%m%dT%H%M%S}", zone=block, parameters=";TZID=Unknown")
        assert found.at == local.replace(tzinfo=zone).astimezone(UTC), local
        if found.tzid:
            assert local.replace(tzinfo=ZoneInfo(found.tzid)).astimezone(UTC) == found.at
