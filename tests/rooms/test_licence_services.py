"""Changes of a pool's terms: what they write, and for each thing that can't be the sentence that says why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from rooms import licence_services as terms
from rooms.licence_changes import AllocationRefused
from rooms.licence_lending import AssignNamed, EndLoan, EndNamed, Lend
from rooms.models import EmergencySeats, LicenceGrant, LicenceLoan, NamedLicence, Site, SiteShare, SiteTerms
from tests.factories import Office

#: Monday, 8:00 in Warsaw.
NOW = datetime(2031, 11, 10, 7, 0, tzinfo=UTC)
TODAY = date(2031, 11, 10)
LATER = date(2031, 12, 1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


def make(office: Office, *changes: terms.LicenceChange, by: Any = None) -> None:
    terms.carry_out(changes, by=by or office.it_admin, now=NOW)


def rows(model: Any, **of: Any) -> list[tuple[int, date, date | None]]:
    return list(model.objects.filter(**of).order_by("valid_from").values_list("seats", "valid_from", "valid_to"))


def refused(office: Office, change: terms.LicenceChange, by: Any = None) -> str:
    before = [list(model.objects.order_by("pk").values()) for model in _MODELS]
    with pytest.raises(AllocationRefused) as caught:
        make(office, change, by=by)
    assert before == [list(model.objects.order_by("pk").values()) for model in _MODELS], "nothing is written"
    return str(caught.value)


_MODELS = (LicenceGrant, SiteShare, LicenceLoan, EmergencySeats, NamedLicence, SiteTerms)


def test_share_changes_on_its_date_and_later_rows_stay(office: Office) -> None:
    office.pool.shares.filter(site=office.koszykowa).update(valid_to=date(2031, 12, 31))
    SiteShare.objects.create(pool=office.pool, site=office.koszykowa, seats=5, valid_from=date(2032, 1, 1))
    make(office, terms.SetShares(office.pool, {office.koszykowa: 2, office.taborowa: 3}, LATER))
    assert rows(SiteShare, site=office.koszykowa) == [
        (4, date(2019, 1, 1), date(2031, 11, 30)),
        (2, LATER, date(2031, 12, 31)),
        (5, date(2032, 1, 1), None),
    ]
    assert rows(SiteShare, site=office.taborowa) == [(3, date(2019, 1, 1), None)], "equal values change nothing"


def test_second_change_on_the_same_date_replaces_the_first(office: Office) -> None:
    make(office, terms.SetShares(office.pool, {office.koszykowa: 2}, LATER))
    make(office, terms.SetShares(office.pool, {office.koszykowa: 3}, LATER))
    assert rows(SiteShare, site=office.koszykowa) == [(4, date(2019, 1, 1), date(2031, 11, 30)), (3, LATER, None)]
    make(office, terms.SetShares(office.pool, {office.koszykowa: 0}, LATER))
    assert rows(SiteShare, site=office.koszykowa) == [(4, date(2019, 1, 1), date(2031, 11, 30))]


def test_site_without_a_share_gets_one_until_its_next_begins(office: Office) -> None:
    office.pool.shares.filter(site=office.biala).update(valid_from=date(2032, 1, 1))
    make(office, terms.SetShares(office.pool, {office.biala: 1}, TODAY))
    assert rows(SiteShare, site=office.biala) == [(1, TODAY, date(2031, 12, 31)), (2, date(2032, 1, 1), None)]


def test_rows_that_add_up_go_on_where_they_were_to_last_longer(office: Office) -> None:
    extra = {"pool": office.pool, "site": office.biala, "seats": 1}
    SiteShare.objects.create(**extra, valid_from=date(2031, 11, 1), valid_to=date(2031, 12, 31))
    make(office, terms.SetShares(office.pool, {office.biala: 1}, LATER))
    after = sorted(rows(SiteShare, site=office.biala), key=str)
    assert after == sorted(
        [
            (1, date(2031, 11, 1), date(2031, 11, 30)),
            (2, date(2019, 1, 1), date(2031, 11, 30)),
            (1, LATER, date(2031, 12, 31)),
            (2, date(2032, 1, 1), None),
        ],
        key=str,
    )


def test_seats_move_between_sites_in_one_change(office: Office) -> None:
    make(office, terms.SetShares(office.pool, {office.koszykowa: 1, office.taborowa: 6}, LATER))
    assert SiteShare.objects.get(site=office.taborowa, valid_from=LATER).seats == 6


@pytest.mark.parametrize(
    ("seats", "on", "words"),
    [
        (
            -1,
            LATER,
            "Monday, 1 December 2031: -1 can't be a number of licences. Write a whole number from 0 to 10000.",
        ),
        (1.5, LATER, "Monday, 1 December 2031: 1.5 can't be a number of licences"),
        (True, LATER, "True can't be a number"),
        (6, LATER, "Monday, 1 December 2031: the sites' shares add up to 11, and 10 are granted."),
        (2, TODAY - timedelta(days=1), "Sunday, 9 November 2031 is over."),
        (2, date(2101, 1, 1), "Saturday, 1 January 2101 is too far ahead. Choose a day up to the year 2100."),
    ],
)
def test_share_that_can_not_be_is_refused_with_day_and_number(office: Office, seats: Any, on: date, words: str) -> None:
    assert words in refused(office, terms.SetShares(office.pool, {office.koszykowa: seats}, on))


def test_share_above_a_grant_that_ends_later_is_refused_on_that_day(office: Office) -> None:
    office.pool.grants.update(seats=9)
    make(office, terms.AddGrant(office.pool, 3, TODAY, date(2032, 2, 29)))
    words = refused(office, terms.SetShares(office.pool, {office.koszykowa: 6}, LATER))
    assert "Monday, 1 March 2032: the sites' shares add up to 11, and 9 are granted." in words


def test_grants_are_added_resized_and_ended(office: Office) -> None:
    make(office, terms.AddGrant(office.pool, 2, date(2031, 1, 1), date(2031, 12, 31)))
    (first, added) = office.pool.grants.order_by("pk")
    make(office, terms.ResizeGrant(first, 12, LATER), terms.EndGrant(added, date(2031, 11, 15)))
    assert rows(LicenceGrant) == [
        (10, date(2019, 1, 1), date(2031, 11, 30)),
        (2, date(2031, 1, 1), date(2031, 11, 15)),
        (12, LATER, None),
    ]


@pytest.mark.parametrize("from_on", [TODAY, LATER, date(2031, 12, 31)])
def test_grant_of_the_same_number_is_not_cut_in_two(office: Office, from_on: date) -> None:
    words = refused(office, terms.ResizeGrant(office.pool.grants.get(), 10, from_on))
    assert words == "Nothing has changed: it is 10 licences already. Write another number."


def test_grant_to_come_is_taken_back(office: Office) -> None:
    make(office, terms.AddGrant(office.pool, 2, LATER))
    make(office, terms.EndGrant(office.pool.grants.get(valid_from=LATER), TODAY))
    assert rows(LicenceGrant) == [(10, date(2019, 1, 1), None)]


@pytest.mark.parametrize(
    ("seats", "first", "last", "words"),
    [
        (0, LATER, None, "Monday, 1 December 2031: 0 can't be a number of licences. Write a whole number from 1"),
        (-2, LATER, None, "-2 can't be a number of licences"),
        (2.5, LATER, None, "2.5 can't be a number of licences"),
        (2, date(2019, 1, 1), date(2020, 1, 1), "Wednesday, 1 January 2020 is over."),
        (2, LATER, TODAY, "The last day, Monday, 10 November 2031, is before the first one, Monday, 1 December 2031."),
    ],
)
def test_grant_that_can_not_be_is_refused(
    office: Office, seats: Any, first: date, last: date | None, words: str
) -> None:
    assert words in refused(office, terms.AddGrant(office.pool, seats, first, last))


def test_grant_can_not_end_or_shrink_below_the_shares(office: Office) -> None:
    grant = office.pool.grants.get()
    words = refused(office, terms.EndGrant(grant, date(2031, 12, 31)))
    assert "Thursday, 1 January 2032: the sites' shares add up to 9, and 0 are granted." in words
    words = refused(office, terms.ResizeGrant(grant, 8, LATER))
    assert "Monday, 1 December 2031: the sites' shares add up to 9, and 8 are granted." in words
    assert "Sunday, 9 November 2031 is over." in refused(office, terms.EndGrant(grant, TODAY - timedelta(days=1)))


def lend(
    office: Office, seats: Any = 2, first: date = LATER, last: date | None = date(2031, 12, 31), **of: Any
) -> Lend:
    sites = {"lender": office.koszykowa, "borrower": office.taborowa, **of}
    return Lend(office.pool, sites["lender"], sites["borrower"], seats, first, last)


def test_loan_is_written_and_ends_sooner_or_never_was(office: Office) -> None:
    make(office, lend(office), by=office.manager)
    loan = LicenceLoan.objects.get()
    assert (loan.created_by, loan.created_at) == (office.manager, NOW)
    make(office, EndLoan(loan, date(2031, 12, 10)), by=office.manager)
    assert rows(LicenceLoan) == [(2, LATER, date(2031, 12, 10))]
    make(office, lend(office, first=date(2031, 12, 11)), by=office.manager)
    assert LicenceLoan.objects.count() == 2, "the rest of the days can be lent again"
    make(office, EndLoan(loan, TODAY), by=office.manager)
    assert rows(LicenceLoan) == [(2, date(2031, 12, 11), date(2031, 12, 31))]


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ({"seats": 5}, "Monday, 1 December 2031: its share is 4, and it would have lent and assigned 5 of it."),
        ({"seats": -1}, "Monday, 1 December 2031: -1 can't be a number of licences"),
        ({"seats": 0.5}, "0.5 can't be a number of licences"),
        ({"borrower": "koszykowa"}, "Koszykowa 16 can't lend to itself."),
        ({"first": TODAY - timedelta(days=1)}, "Sunday, 9 November 2031 is over."),
        ({"last": None}, "A loan has a last day."),
        ({"last": TODAY}, "The last day, Monday, 10 November 2031, is before the first one"),
    ],
)
def test_loan_that_can_not_be_is_refused(office: Office, of: dict[str, Any], words: str) -> None:
    if "borrower" in of:
        of = {"borrower": getattr(office, of["borrower"])}
    assert words in refused(office, lend(office, **of))


def test_loan_is_refused_on_the_day_on_which_the_share_gets_smaller(office: Office) -> None:
    make(office, terms.SetShares(office.pool, {office.koszykowa: 1}, date(2031, 12, 15)))
    words = refused(office, lend(office))
    assert "Koszykowa 16, Monday, 15 December 2031: its share is 1, and it would have lent and assigned 2" in words


def test_loans_of_the_same_two_sites_do_not_overlap(office: Office) -> None:
    make(office, lend(office, 1))
    words = refused(office, lend(office, 1, first=date(2031, 12, 31), last=date(2032, 1, 31)))
    assert "Koszykowa 16 already lends 1 licence to Taborowa 33 from Monday, 1 December 2031 to Wednesday, 31" in words
    make(office, lend(office, 1, borrower=office.biala))


def test_loan_that_is_over_or_would_last_longer_is_not_ended(office: Office) -> None:
    make(office, lend(office))
    loan = LicenceLoan.objects.get()
    words = refused(office, EndLoan(loan, date(2032, 1, 5)))
    assert "The loan ends on Wednesday, 31 December 2031, before Monday, 5 January 2032." in words
    LicenceLoan.objects.update(valid_from=date(2031, 1, 1), valid_to=date(2031, 1, 31))
    assert "It ended on Friday, 31 January 2031." in refused(office, EndLoan(loan, TODAY))
    LicenceLoan.objects.all().delete()
    assert "Somebody has taken this back" in refused(office, EndLoan(loan, TODAY))


def test_emergency_seats_are_kept_out_of_the_reserve(office: Office) -> None:
    make(office, terms.SetEmergency(office.pool, 1, LATER))
    make(office, terms.SetEmergency(office.pool, 0, date(2032, 1, 1)))
    assert rows(EmergencySeats) == [(1, LATER, date(2031, 12, 31))]
    words = refused(office, terms.SetEmergency(office.pool, 2, date(2032, 1, 1)))
    assert "Thursday, 1 January 2032: the sites' shares add up to 9, and 8 are granted." in words


def named(office: Office, user: Any = None, site: Site | None = None, **of: Any) -> AssignNamed:
    days = {"valid_from": LATER, "valid_to": None, **of}
    return AssignNamed(office.pool, user or office.staff, days.pop("room", None), site, **days)


def test_named_licence_is_assigned_and_given_back(office: Office) -> None:
    make(office, named(office, site=office.koszykowa))
    make(office, AssignNamed(office.pool, None, office.room("KOS/2.14"), None, LATER))
    make(office, EndNamed(NamedLicence.objects.get(user=office.staff), date(2031, 12, 31)))
    assert NamedLicence.objects.get(user=office.staff).valid_to == date(2031, 12, 31)
    make(office, EndNamed(NamedLicence.objects.get(room=office.room("KOS/2.14")), TODAY))
    assert NamedLicence.objects.get().user == office.staff


def test_named_licence_that_can_not_be_is_refused(office: Office) -> None:
    assert "Choose a person or a room" in refused(office, AssignNamed(office.pool, None, None, None, LATER))
    assert "Sunday, 9 November 2031 is over" in refused(office, named(office, valid_from=TODAY - timedelta(days=1)))
    make(office, named(office, site=office.koszykowa, valid_to=date(2031, 12, 31)))
    words = refused(office, named(office, valid_from=date(2031, 12, 24)))
    assert "Anna Wrzesińska has a licence of this pool from Monday, 1 December 2031 to Wednesday, 31" in words
    make(office, named(office, office.manager))
    assert "the sites' shares add up to 8, and 7 are granted" in refused(office, named(office, office.it_admin))


def test_terms_of_a_site_are_written_once(office: Office) -> None:
    make(office, terms.SetTerms(office.pool, office.biala, "reserve", SiteTerms.DEFAULT_LEND_DAYS))
    assert not SiteTerms.objects.exists(), "it is so without a row"
    for lend_days in (0, 5):
        make(office, terms.SetTerms(office.pool, office.biala, "other_time", lend_days))
    row = SiteTerms.objects.get()
    assert (row.when_short, row.lend_days) == ("other_time", 5)
    words = refused(office, terms.SetTerms(office.pool, office.biala, "reserve", 400))
    assert "400 can't be a number of days. Write a whole number from 0 to 366." in words
    assert "Choose what happens" in refused(office, terms.SetTerms(office.pool, office.biala, "wait", 1))


@pytest.mark.parametrize("who", ["manager", "staff", "colleague", "newcomer"])
def test_only_it_admins_change_what_is_no_loan(office: Office, who: str) -> None:
    make(office, named(office, site=office.koszykowa))
    grant, licence = office.pool.grants.get(), NamedLicence.objects.get()
    for change in (
        terms.SetShares(office.pool, {office.koszykowa: 3}, LATER),
        terms.SetEmergency(office.pool, 1, LATER),
        terms.AddGrant(office.pool, 1, LATER),
        terms.ResizeGrant(grant, 11, LATER),
        terms.EndGrant(grant, LATER),
        terms.SetTerms(office.pool, office.koszykowa, "other_time", 1),
        named(office, office.manager),
        EndNamed(licence, LATER),
    ):
        with pytest.raises(terms.ChangeNotAllowed):
            make(office, change, by=getattr(office, who))


def test_loans_are_made_and_ended_by_managers_of_the_lender(office: Office) -> None:
    with pytest.raises(terms.ChangeNotAllowed):
        make(office, lend(office, lender=office.taborowa, borrower=office.koszykowa), by=office.manager)
    with pytest.raises(terms.ChangeNotAllowed):
        make(office, lend(office), by=office.staff)
    make(office, lend(office, lender=office.taborowa, borrower=office.koszykowa))
    with pytest.raises(terms.ChangeNotAllowed):
        make(office, EndLoan(LicenceLoan.objects.get(), LATER), by=office.manager)


def test_changes_are_made_all_or_none(office: Office) -> None:
    changes = [terms.SetShares(office.pool, {office.koszykowa: 2}, LATER), lend(office, 3)]
    with pytest.raises(AllocationRefused, match="its share is 2"):
        make(office, *changes)
    assert rows(SiteShare, site=office.koszykowa) == [(4, date(2019, 1, 1), None)]
