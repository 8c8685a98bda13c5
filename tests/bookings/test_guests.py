"""The participants of a booking form: tokens and typed addresses."""

import pytest

from bookings.guests import (
    Entry,
    in_other_language,
    members,
    read_token,
    read_tokens,
    read_typed,
    to_participants,
)
from bookings.rules import Participant


def address(email: str, name: str = "", language: str = "pl") -> Entry:
    return Entry("address", email=email, name=name, language=language)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("jan@x.pl", [address("jan@x.pl")]),
        ("Jan Nowak <jan@x.pl>", [address("jan@x.pl", "Jan Nowak")]),
        ('"Nowak, Jan" <jan@x.pl>', [address("jan@x.pl", "Nowak, Jan")]),
        ("Nowak, Jan <jan@x.pl>", [address("jan@x.pl", "Nowak, Jan")]),
        ("jan@x.pl, ewa@x.pl", [address("jan@x.pl"), address("ewa@x.pl")]),
        ("jan@x.pl; ewa@x.pl;", [address("jan@x.pl"), address("ewa@x.pl")]),
        ("jan@x.pl\r\newa@x.pl\n\n", [address("jan@x.pl"), address("ewa@x.pl")]),
        ("jan@x.pl ewa@x.pl", [address("jan@x.pl"), address("ewa@x.pl")]),
        ("Jan Nowak jan@x.pl", [address("jan@x.pl", "Jan Nowak")]),
        ("jan@x.pl\tewa@x.pl", [address("jan@x.pl"), address("ewa@x.pl")]),
        ("mailto:jan@x.pl", [address("jan@x.pl")]),
        ("<jan@x.pl>", [address("jan@x.pl")]),
        ("jan@x.pl.", [address("jan@x.pl")]),
        ("jan@x.pl, jan@x.pl", [address("jan@x.pl")]),
        (
            "Nowak, Jan <jan@x.pl>; Kos, Ewa <ewa@x.pl>",
            [address("jan@x.pl", "Nowak, Jan"), address("ewa@x.pl", "Kos, Ewa")],
        ),
        ("'Jan Nowak' via Lista <lista@x.pl>", [address("lista@x.pl", "Jan Nowak via Lista")]),
        ("\"'Jan Nowak' via Lista\" <lista@x.pl>", [address("lista@x.pl", "Jan Nowak via Lista")]),
        (
            "Jan Nowak\tjan@x.pl\r\nEwa Kos\tewa@x.pl",
            [address("jan@x.pl", "Jan Nowak"), address("ewa@x.pl", "Ewa Kos")],
        ),
        ("jan@x.pl\tJan Nowak\tKoszykowa", [address("jan@x.pl", "Jan Nowak")]),
        ("1.\tNowak\tJan\tjan@x.pl", [address("jan@x.pl", "Nowak Jan")]),
        ("Nowak, Jan\tjan@x.pl", [address("jan@x.pl", "Nowak, Jan")]),
        ("Imię\tE-mail\nJan\tjan@x.pl", [address("jan@x.pl", "Jan")]),
        ("MAILTO:jan@x.pl?subject=Sesja", [address("jan@x.pl")]),
        ("jan@x.pl<mailto:jan@x.pl>", [address("jan@x.pl")]),
        ("'jan@x.pl' <jan@x.pl>", [address("jan@x.pl")]),
        ("jan@x.pl; Jan <JAN@x.pl>", [address("JAN@x.pl", "Jan")]),
        ('"Nowak; Jan" <jan@x.pl>', [address("jan@x.pl", "Nowak; Jan")]),
        ("„Jan Nowak” <jan@x.pl>", [address("jan@x.pl", "Jan Nowak")]),
        ("Do: Jan <jan@x.pl>; DW: Ewa <ewa@x.pl>", [address("jan@x.pl", "Jan"), address("ewa@x.pl", "Ewa")]),
        ("Jan Nowak [jan@x.pl]", [address("jan@x.pl", "Jan Nowak")]),
        ("\u200bjan@x.pl\ufeff", [address("jan@x.pl")]),
        ("- jan@x.pl\n• ewa@x.pl", [address("jan@x.pl"), address("ewa@x.pl")]),
        ("O'Brien, Pat <pat@x.pl>", [address("pat@x.pl", "O'Brien, Pat")]),
        (
            "Katarzyna Lewandowska-Mróz <k@x.pl>; Nowak-Wójcik, Jan <jan@x.pl>",
            [address("k@x.pl", "Katarzyna Lewandowska-Mróz"), address("jan@x.pl", "Nowak-Wójcik, Jan")],
        ),
        ("- Anna Kos-Maj <anna@x.pl>", [address("anna@x.pl", "Anna Kos-Maj")]),
        ("Jan Nowak, kom. 3. (od: 8) <jan@x.pl>", [address("jan@x.pl", "Jan Nowak, kom. 3. (od: 8)")]),
        (
            "Jan Nowak <jan@x.pl>, Łucja Żak <lucja@x.pl>;\nkos@kos.example",
            [address("jan@x.pl", "Jan Nowak"), address("lucja@x.pl", "Łucja Żak"), address("kos@kos.example")],
        ),
    ],
)
def test_read_typed_reads_what_people_paste(text, entries):
    typed = read_typed(text, language="pl")
    assert (list(typed.entries), typed.names, typed.wrong) == (entries, (), ())


@pytest.mark.parametrize(
    ("text", "names", "wrong"),
    [
        ("Mazowiecki UW", ("Mazowiecki UW",), ()),
        ("Lewandowska-Mróz", ("Lewandowska-Mróz",), ()),
        ("Mazowiecki UW, Migri", ("Mazowiecki UW", "Migri"), ()),
        ("jan@", (), ("jan@",)),
        ("jan@x..pl", (), ("jan@x..pl",)),
        ("@", (), ("@",)),
        ("a@b@c.pl", (), ("a@b@c.pl",)),
        ("", (), ()),
        (" ,;\n", (), ()),
    ],
)
def test_read_typed_sets_aside_what_is_no_address(text, names, wrong):
    typed = read_typed(text, language="pl")
    assert (typed.entries, typed.names, typed.wrong) == ((), names, wrong)


def test_read_typed_takes_a_known_language_only():
    assert [read_typed("a@x.pl", language=code).entries[0].language for code in ("en", "pl", "de", "")] == [
        "en",
        "pl",
        "",
        "",
    ]


def test_read_typed_is_quick_on_long_nonsense():
    read_typed('",' * 50_000 + "<@" * 50_000, language="pl")
    read_typed("'" * 50_000 + "a\tb\n" * 50_000, language="pl")


def test_read_typed_reads_a_list_of_two_hundred():
    lines = "\n".join(f"Osoba {number}\tosoba{number}@x.pl" for number in range(200))
    typed = read_typed(lines + "\n" + lines, language="pl")
    assert (len(typed.entries), typed.names, typed.wrong) == (200, (), ())


@pytest.mark.parametrize(
    "entry",
    [
        Entry("user", pk=1),
        Entry("contact", pk=12),
        Entry("group", pk=3),
        Entry("institution", pk=4),
        address("jan@x.pl"),
        address("jan@x.pl", "Jan Nowak", "en"),
        address("jan@x.pl", "Nowak: Jan", ""),
    ],
)
def test_tokens_come_back_as_they_went(entry):
    assert read_token(entry.token) == entry


@pytest.mark.parametrize(
    "token", ["", "user:", "user:abc", "user:-1", f"user:{10**30}", "bishop:1", "address:pl:a@b.c\nBcc: x@y.z", "\x00"]
)
def test_an_unreadable_token_is_an_address_that_the_judge_refuses(token):
    entry = read_token(token)
    assert entry.kind == "address"
    assert "\n" not in entry.email


def test_read_tokens_keeps_each_once_in_order():
    assert read_tokens(["contact:2", "user:1", "contact:2"]) == (Entry("contact", pk=2), Entry("user", pk=1))


def test_in_other_language_goes_round():
    assert in_other_language(address("a@x.pl", language="pl")).language == "en"
    assert in_other_language(address("a@x.pl", language="en")).language == "pl"


def test_to_participants_opens_groups_with_one_query(office, django_assert_num_queries):
    entries = [Entry("group", pk=office.voivodeships.pk), Entry("user", pk=office.manager.pk)]
    with django_assert_num_queries(1):
        found = to_participants(entries)
    contacts = {contact.pk for contact in office.voivodeships.contacts.all()}
    assert found[0] == Participant(user_id=office.manager.pk)
    assert {item.contact_id for item in found[1:]} == contacts
    assert len(found) == 17


@pytest.mark.django_db
def test_to_participants_asks_nothing_without_groups(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert to_participants([address("a@x.pl", "A")]) == (Participant(email="a@x.pl", name="A", language="pl"),)


def test_members_lists_everybody_behind_a_group(office):
    assert len(members(Entry("group", pk=office.voivodeships.pk))) == 16
