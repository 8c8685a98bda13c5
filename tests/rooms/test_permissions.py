"""Who may book and manage what: every role against every kind of room."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from rooms.models import SiteRole
from rooms.permissions import SiteRoles
from rooms.rules import Place
from tests.factories import Office

# Rooms: an ordinary one at Koszykowa, one there that needs approval, an ordinary one at Biała Podlaska.
_ROOMS = ("KOS/2.14", "KOS/1.03", "BIA/5")


@pytest.mark.parametrize(
    ("who", "bookable"),
    [
        ("it_admin", {"KOS/2.14", "KOS/1.03", "BIA/5"}),
        ("manager", {"KOS/2.14", "KOS/1.03", "BIA/5"}),
        ("staff", {"KOS/2.14", "BIA/5"}),
        ("colleague", {"KOS/2.14", "BIA/5"}),
        ("newcomer", set()),
    ],
)
def test_may_book_room_by_role(office: Office, who: str, bookable: set[str]) -> None:
    user = getattr(office, who)
    assert {code for code in _ROOMS if SiteRoles.of(user).may_book(office.room(code))} == bookable


@pytest.mark.parametrize(
    ("who", "asked"),
    [("it_admin", 3), ("manager", 3), ("staff", 3), ("colleague", 3), ("newcomer", 0)],
)
def test_may_ask_for_room_that_needs_approval_by_role(office: Office, who: str, asked: int) -> None:
    assert sum(SiteRoles.of(getattr(office, who)).may_ask(office.room(code)) for code in _ROOMS) == asked


def test_place_of_room_tells_rules_the_role_at_its_site(office: Office) -> None:
    room = office.room("KOS/1.03")
    roles = {who: SiteRoles.of(getattr(office, who)).place_of(room) for who in ("it_admin", "manager", "staff")}
    assert {who: place.role for who, place in roles.items()} == {
        "it_admin": "manager",
        "manager": "manager",
        "staff": "staff",
    }
    assert SiteRoles.of(office.colleague).place_of(room) == Place(
        office.koszykowa.zone, office.koszykowa.pk, room.pk, "", needs_approval=True
    )
    assert SiteRoles.of(office.colleague).no_place(office.biala.zone).role == "staff"


def test_manager_of_another_site_may_not_book_room_that_needs_approval(office: Office) -> None:
    office.colleague.site_roles.update(role=SiteRole.Role.MANAGER)
    assert not SiteRoles.of(office.colleague).may_book(office.room("KOS/1.03"))


def test_nobody_may_book_inactive_room(office: Office) -> None:
    room = office.room("KOS/2.14")
    room.is_active = False
    assert not any(SiteRoles.of(user).may_ask(room) for user in (office.it_admin, office.manager, office.staff))
    assert not any(SiteRoles.of(user).may_book(room) for user in (office.it_admin, office.manager, office.staff))


@pytest.mark.parametrize(("who", "sites"), [("it_admin", 3), ("manager", 1), ("staff", 0), ("newcomer", 0)])
def test_manages_by_role(office: Office, who: str, sites: int) -> None:
    everywhere = (office.koszykowa, office.taborowa, office.biala)
    assert sum(SiteRoles.of(getattr(office, who)).manages(site.pk) for site in everywhere) == sites


def test_user_who_may_not_sign_in_has_no_roles(office: Office) -> None:
    for user in (office.it_admin, office.manager):
        user.is_active = False
        assert SiteRoles.of(user) == SiteRoles()


def test_anonymous_visitor_has_no_roles() -> None:
    assert SiteRoles.of(AnonymousUser()) == SiteRoles()


def test_roles_of_one_user_object_cost_one_query(office: Office, django_assert_num_queries) -> None:
    user = User.objects.get(pk=office.manager.pk)
    with django_assert_num_queries(1):
        first = SiteRoles.of(user)
        assert SiteRoles.of(user) == first
    assert first == SiteRoles(
        staff_sites=frozenset({office.koszykowa.pk}), managed_sites=frozenset({office.koszykowa.pk})
    )
