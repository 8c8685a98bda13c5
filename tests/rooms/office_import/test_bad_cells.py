"""Everything that can be wrong in a cell: each is named with its place, value, reason and way out."""

from __future__ import annotations

import pytest

from tests.rooms.office_import.conftest import PEOPLE_HEADING, Folder, appending, problems_of, replacing, writing

pytestmark = pytest.mark.django_db

_CELLS = {
    "unknown site": (
        appending("rooms.csv", "TAB,A,Sala A,0,20,,0,0,no,\n"),
        "rooms.csv, line 4, column site: there is no site “TAB”. Add it to sites.csv, or write one of: BIA, KOS.",
    ),
    "site code in the wrong case": (
        replacing("licences.csv", ",KOS,", ",kos,"),
        "licences.csv, line 2, column site: there is no site “kos”. Add it to sites.csv, or write one of: BIA, KOS.",
    ),
    "site code twice": (
        appending("sites.csv", "KOS,Inna,,,,Europe/Warsaw,07:00,18:00,Mo-Fr,\n"),
        "sites.csv, line 4, column code: “KOS” stands on line 2 already. "
        "Keep one of the two lines, or change this value.",
    ),
    "room code twice": (
        appending("rooms.csv", "KOS,2.14,Druga,0,20,,0,0,no,\n"),
        "rooms.csv, line 4, column code: “2.14” stands on line 2 already. "
        "Keep one of the two lines, or change this value.",
    ),
    "mailbox of two rooms": (
        appending("rooms.csv", "KOS,9,Druga,0,20,,0,0,no,SALA-kos-2-14@sale.urzad.example\n"),
        "rooms.csv, line 4, column mailbox: “SALA-kos-2-14@sale.urzad.example” stands on line 2 already. "
        "Keep one of the two lines, or change this value.",
    ),
    "number in words": (
        replacing("rooms.csv", ",2,12,", ",2,dużo,"),
        "rooms.csv, line 2, column seats: “dużo” is not a whole number. Write digits only, between 1 and 10000.",
    ),
    "number with a fraction": (
        replacing("rooms.csv", ",0,0,no", ",0.5,0,no"),
        "rooms.csv, line 2, column setup_minutes: “0.5” is not a whole number. Write digits only, between 0 and 240.",
    ),
    "number in Arabic digits": (
        replacing("rooms.csv", ",2,12,", ",2,١٢,"),
        "rooms.csv, line 2, column seats: “١٢” is not a whole number. Write digits only, between 1 and 10000.",
    ),
    "negative number": (
        replacing("rooms.csv", ",2,12,", ",2,-12,"),
        "rooms.csv, line 2, column seats: -12 is out of range. Write a number between 1 and 10000.",
    ),
    "too long a set-up": (
        replacing("rooms.csv", ",10,15,", ",241,15,"),
        "rooms.csv, line 3, column setup_minutes: 241 is out of range. Write a number between 0 and 240.",
    ),
    "neither yes nor no": (
        replacing("rooms.csv", ",yes,", ",maybe,"),
        "rooms.csv, line 3, column approval: “maybe” is not known here. Write one of: yes, tak, no, nie.",
    ),
    "equipment without letters": (
        replacing("rooms.csv", "terminal wideo;kamera", "!;kamera"),
        "rooms.csv, line 2, column equipment: “!” has no letter or digit. Write what the room has.",
    ),
    "bad mailbox": (
        replacing("rooms.csv", "sala-kos-2-14@sale", "sala kos@@sale"),
        "rooms.csv, line 2, column mailbox: “sala kos@@sale.urzad.example” is not an e-mail address. "
        "Write one such as name@office.example.",
    ),
    "address with accents": (
        replacing("institutions.csv", "wideo@mazowiecki.example", "wideo@mazowiecki-urząd.example"),
        "institutions.csv, line 2, column email: “wideo@mazowiecki-urząd.example” can't be written to. "
        "Use at most 254 characters, and letters without accents.",
    ),
    "no address": (
        replacing("institutions.csv", "Video@migri.example", ""),
        "institutions.csv, line 3, column email: “” is not an e-mail address. Write one such as name@office.example.",
    ),
    "address of two institutions": (
        replacing("institutions.csv", "Video@migri.example", "WIDEO@mazowiecki.example"),
        "institutions.csv, line 3, column email: “WIDEO@mazowiecki.example” stands on line 2 already. "
        "Keep one of the two lines, or change this value.",
    ),
    "country in words": (
        replacing("institutions.csv", ",FI,", ",Finlandia,"),
        "institutions.csv, line 3, column country: “Finlandia” is not a country code. "
        "Write two letters, as in ISO 3166, such as PL.",
    ),
    "language that nobody writes": (
        replacing("institutions.csv", ",en,", ",fi,"),
        "institutions.csv, line 3, column language: “fi” is not known here. Write one of: pl, en.",
    ),
    "bad time": (
        replacing("sites.csv", "07:00,18:00", "7,18:00"),
        "sites.csv, line 2, column opens: “7” is not a time. "
        "Write hours and minutes between 00:00 and 23:59, such as 07:30.",
    ),
    "time beyond midnight": (
        replacing("sites.csv", "07:00,18:00", "07:00,24:00"),
        "sites.csv, line 2, column closes: “24:00” is not a time. "
        "Write hours and minutes between 00:00 and 23:59, such as 07:30.",
    ),
    "closes before it opens": (
        replacing("sites.csv", "07:00,18:00", "18:00,07:00"),
        "sites.csv, line 2, column closes: 07:00 is not after 18:00. Write a later time.",
    ),
    "weekdays in Polish": (
        replacing("sites.csv", "Mo-Fr", "Pn-Pt"),
        "sites.csv, line 2, column days: “Pn-Pt” is not a list of weekdays. "
        "Write Mo, Tu, We, Th, Fr, Sa, Su, as in Mo-Fr or Mo-We,Sa.",
    ),
    "weekdays with a gap": (
        replacing("sites.csv", "Mo-We,Sa", "Mo-We,,Sa"),
        "sites.csv, line 3, column days: “Mo-We,,Sa” is not a list of weekdays. "
        "Write Mo, Tu, We, Th, Fr, Sa, Su, as in Mo-Fr or Mo-We,Sa.",
    ),
    "weekdays backwards": (
        replacing("sites.csv", "Mo-Fr", "Fr-Mo"),
        "sites.csv, line 2, column days: “Fr-Mo” ends before it begins. "
        "The week runs from Mo to Su: write Fr-Mo as Mo,Fr-Su.",
    ),
    "unknown zone": (
        replacing("sites.csv", "Europe/Warsaw,07:00", "Europe/Warszawa,07:00"),
        "sites.csv, line 2, column timezone: “Europe/Warszawa” is not a known time zone. "
        "Write a name such as Europe/Warsaw.",
    ),
    "too long a name": (
        replacing("sites.csv", "KOS,Koszykowa 16", "KOS," + "K" * 121),
        f"sites.csv, line 2, column name: “{'K' * 59}…” has 121 characters. Write at most 120.",
    ),
    "name over two lines": (
        replacing("rooms.csv", '"Świetlica, wideo"', '"Świetlica,\nwideo"'),
        "rooms.csv, line 3, column name: “Świetlica,\\x0awideo” has a line break or a control character. "
        "Write it on one line.",
    ),
    "name that moves the cursor": (
        replacing("rooms.csv", "Sala wideo 2.14,", "Sala \x1b[2J,"),
        "rooms.csv, line 2, column name: “Sala \\x1b[2J” has a line break or a control character. "
        "Write it on one line.",
    ),
    "no name": (
        replacing("sites.csv", "KOS,Koszykowa 16", "KOS,"),
        "sites.csv, line 2, column name: the cell is empty. Fill it in.",
    ),
    "date as people write it": (
        replacing("licences.csv", "2019-01-01,,BIA", "1.01.2019,,BIA"),
        "licences.csv, line 3, column valid_from: “1.01.2019” is not a date. "
        "Write year, month and day, such as 2026-11-24.",
    ),
    "day that is not there": (
        replacing("licences.csv", "2019-01-01,,BIA", "2019-02-29,,BIA"),
        "licences.csv, line 3, column valid_from: “2019-02-29” is not a date. "
        "Write year, month and day, such as 2026-11-24.",
    ),
    "year beyond reason": (
        replacing("licences.csv", "2019-01-01,,BIA", "2019-01-01,9999-12-31,BIA"),
        "licences.csv, line 3, column valid_to: 9999-12-31 is out of range. Write a year between 1990 and 2100.",
    ),
    "last day before the first": (
        replacing("licences.csv", "2019-01-01,,", "2019-01-01,2018-12-31,"),
        "licences.csv, line 2, column valid_to: 2018-12-31 is before 2019-01-01. "
        "Write the last day, or leave the cell empty: until further notice.",
    ),
    "unknown way of counting": (
        replacing("licences.csv", "conference,10,2019-01-01,,BIA", "head,10,2019-01-01,,BIA"),
        "licences.csv, line 3, column counts: “head” is not known here. Write one of: conference, room, participant.",
    ),
    "share without a site": (
        replacing("licences.csv", ",KOS,4", ",,4"),
        "licences.csv, line 2, column site: the cell is empty. Fill it in.",
    ),
    "share of nothing": (
        replacing("licences.csv", ",KOS,4", ",KOS,0"),
        "licences.csv, line 2, column share: 0 is out of range. Write a number between 1 and 10000.",
    ),
    "shares above the grant": (
        replacing("licences.csv", ",BIA,2", ",BIA,7"),
        "licences.csv, line 3, column share: with this share the sites have 11 seats on 2019-01-01, "
        "and 10 are granted. Write smaller shares, or more seats.",
    ),
    "pool that contradicts itself in seats": (
        replacing("licences.csv", "10,2019-01-01,,BIA", "12,2019-01-01,,BIA"),
        "licences.csv, line 3, column seats: 12 contradicts line 2, which says 10 for “System wideokonferencji”. "
        "Repeat the same on every line of the pool, or give a later grant another first day.",
    ),
    "pool that contradicts itself in what it counts": (
        replacing("licences.csv", "conference,10,2019-01-01,,BIA", "room,10,2019-01-01,,BIA"),
        "licences.csv, line 3, column counts: room contradicts line 2, which says conference for "
        "“System wideokonferencji”. "
        "Repeat the same on every line of the pool, or give a later grant another first day.",
    ),
    "share twice": (
        replacing("licences.csv", ",BIA,2", ",KOS,2"),
        "licences.csv, line 3, column site: “KOS” has a share from that day on line 2 already. "
        "Keep one of the two lines.",
    ),
    "unknown role": (
        writing("people.csv", PEOPLE_HEADING + "a@urzad.example,Anna,,,pl,boss,KOS\n"),
        "people.csv, line 2, column role: “boss” is not known here. Write one of: staff, manager, it_admin.",
    ),
    "role without a site": (
        writing("people.csv", PEOPLE_HEADING + "a@urzad.example,Anna,,,pl,staff,\n"),
        "people.csv, line 2, column site: the cell is empty. "
        "Write the codes of the person's sites, separated by semicolons.",
    ),
    "IT admin of a site": (
        writing("people.csv", PEOPLE_HEADING + "a@urzad.example,Anna,,,pl,it_admin,KOS\n"),
        "people.csv, line 2, column site: an IT admin works at all sites. Leave the cell empty.",
    ),
    "person twice": (
        writing("people.csv", PEOPLE_HEADING + "a@urzad.example,A,,,pl,staff,KOS\nA@urzad.example,B,,,pl,staff,BIA\n"),
        "people.csv, line 3, column email: “A@urzad.example” stands on line 2 already. "
        "Keep one of the two lines, or change this value.",
    ),
    "equipment that is not listed": (
        writing("equipment.csv", "code,name,name_en,icon,filter\nterminal-wideo,Terminal wideo,,,no\n"),
        "rooms.csv, line 2, column equipment: “kamera dokumentowa” is not in equipment.csv. "
        "Add it there, or write one of: Terminal wideo.",
    ),
    "equipment code with capitals": (
        writing(
            "equipment.csv",
            "code,name,name_en,icon,filter\nTerminal Żółty,terminal wideo,,,no\nkamera,kamera dokumentowa,,,no\n",
        ),
        "equipment.csv, line 2, column code: “Terminal Żółty” is not a code. "
        "Write small letters without accents, digits and hyphens, such as terminal-zolty.",
    ),
}


@pytest.mark.parametrize("case", _CELLS)
def test_bad_cell_is_named_with_place_value_reason_and_way_out(folder: Folder, case: str) -> None:
    spoil, message = _CELLS[case]
    spoil(folder)
    problems = problems_of(folder.path)
    assert problems[0] == message
    assert len(problems) <= 2
