"""Whom a few typed letters find."""

from __future__ import annotations

import pytest

from accounts.models import ContactGroup
from accounts.queries import Found, Kind, contacts_behind, find_people, list_groups
from tests.factories import Office, make_contact, make_institution, make_user


def _names(text: str, *, limit: int = 20) -> list[str]:
    return [found.name for found in find_people(text, limit=limit)]


@pytest.mark.parametrize("text", ["lodzki", "Łódzki", "ŁÓDZKI", "łodz", "urzad lodzki", "  łódzki  urząd "])
def test_words_are_found_without_accents_and_capitals(office: Office, text: str) -> None:
    assert _names(text) == ["Łódzki Urząd Wojewódzki"]


def test_initials_of_neighbouring_words_are_found(office: Office) -> None:
    assert _names("mazowiecki uw") == ["Mazowiecki Urząd Wojewódzki"]
    assert len(_names("uw")) == 17  # 16 offices and their group
    assert "Mazowiecki Urząd Wojewódzki" not in _names("mw")


def test_colleagues_are_found_by_name_unit_and_address(office: Office) -> None:
    staff = office.staff
    staff.unit = "Departament Legalizacji Pobytu"
    staff.save()
    wanted = [Found(Kind.USER, staff.pk, "Anna Wrzesińska", staff.unit, staff.email, "pl")]
    for text in ("wrzesinska", "anna pobytu", "anna.wrzesinska@urzad"):
        assert find_people(text) == wanted


def test_groups_come_first_then_names_that_begin_with_the_text(office: Office) -> None:
    make_user("urszula@urzad.example", name="Urzędnik Pierwszy")
    make_user("kierownik@urzad.example", name="Kierownik Urzędu")
    assert _names("urzęd") == ["urzędy wojewódzkie", "Urzędnik Pierwszy", "Kierownik Urzędu"]
    group = find_people("urzędy woj")[0]
    assert (group.kind, group.people, group.email) == (Kind.GROUP, 16, "")


def test_results_stand_in_polish_order_and_end_at_the_limit(office: Office) -> None:
    names = _names("urząd woj")
    assert names[:4] == [
        "Dolnośląski Urząd Wojewódzki",
        "Kujawsko-Pomorski Urząd Wojewódzki",
        "Lubelski Urząd Wojewódzki",
        "Lubuski Urząd Wojewódzki",
    ]
    assert names.index("Łódzki Urząd Wojewódzki") == 4
    assert len(_names("urząd woj", limit=3)) == 3


def test_institution_with_several_contacts_is_offered_whole(office: Office) -> None:
    police = make_institution("KSP", "Komenda Stołeczna Policji", city="Warszawa")
    for number in (1, 2):
        make_contact(f"k{number}@ksp.example", name=f"Komisarz {number}", institution=police)
    assert find_people("komenda")[0] == Found(
        Kind.INSTITUTION, police.pk, "Komenda Stołeczna Policji", "Warszawa", people=2
    )
    assert _names("komenda") == ["Komenda Stołeczna Policji", "Komisarz 1", "Komisarz 2"]


def test_people_who_may_not_be_invited_are_not_found(office: Office) -> None:
    office.staff.is_active = False
    office.staff.save()
    office.contacts["LDZ"].is_active = False
    office.contacts["LDZ"].save()
    ContactGroup.objects.create(name="Łódzcy, nikt")
    assert _names("wrzesińska") == _names("łódz") == []
    assert find_people("urzędy wojewódzkie")[0].people == 15


@pytest.mark.parametrize(
    "text", ["", "   ", "%", "_", "\\", "'; --", "((", ".*", "[a", "a" * 5000, "żółć żółć", "\x00"]
)
def test_odd_texts_find_nothing_and_break_nothing(office: Office, text: str) -> None:
    assert find_people(text) == []


def test_search_costs_four_queries_for_one_and_for_many(office: Office, django_assert_num_queries) -> None:
    for text in ("łódzki", "urząd"):
        with django_assert_num_queries(4):
            find_people(text)


def test_contacts_behind_groups_and_institutions_each_once(office: Office, django_assert_num_queries) -> None:
    institution_id = office.contacts["LDZ"].institution_id
    with django_assert_num_queries(1):
        found = contacts_behind(group_ids=[office.voivodeships.pk], institution_ids=[institution_id])
    assert len(found) == 16
    assert found[4] == office.contacts["LDZ"]
    assert contacts_behind() == []


def test_groups_stand_in_polish_order(office: Office) -> None:
    for name in ("źródła", "łącznicy", "lekarze"):
        ContactGroup.objects.create(name=name).contacts.add(office.migri)
    assert [(group.name, group.people) for group in list_groups()] == [
        ("lekarze", 1),
        ("łącznicy", 1),
        ("urzędy wojewódzkie", 16),
        ("źródła", 1),
    ]
