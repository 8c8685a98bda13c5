"""Small, believable offices for tests. Every function writes real rows to the real database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password

from accounts.models import Contact, ContactGroup, Institution, User
from rooms.models import (
    Equipment,
    LicenceGrant,
    LicencePool,
    OpeningHours,
    Room,
    Site,
    SiteRole,
    SiteShare,
)

PASSWORD = "kwiaty-na-parapecie-2026"

_VOIVODESHIPS = [
    ("DSL", "Dolnośląski", "dolnoslaski"),
    ("KPM", "Kujawsko-Pomorski", "kujawsko-pomorski"),
    ("LUB", "Lubelski", "lubelski"),
    ("LBS", "Lubuski", "lubuski"),
    ("LDZ", "Łódzki", "lodzki"),
    ("MLP", "Małopolski", "malopolski"),
    ("MAZ", "Mazowiecki", "mazowiecki"),
    ("OPO", "Opolski", "opolski"),
    ("PKR", "Podkarpacki", "podkarpacki"),
    ("PDL", "Podlaski", "podlaski"),
    ("POM", "Pomorski", "pomorski"),
    ("SLK", "Śląski", "slaski"),
    ("SWK", "Świętokrzyski", "swietokrzyski"),
    ("WMZ", "Warmińsko-Mazurski", "warminsko-mazurski"),
    ("WLP", "Wielkopolski", "wielkopolski"),
    ("ZPM", "Zachodniopomorski", "zachodniopomorski"),
]


@dataclass(frozen=True)
class Office:
    """Three sites, twelve rooms, the pool of 10 with shares 4/3/2, people of every role, and outside contacts."""

    koszykowa: Site
    taborowa: Site
    biala: Site
    #: By the code within the office: "KOS/2.14", "BIA/5".
    rooms: dict[str, Room]
    pool: LicencePool
    staff: User
    #: Manages Koszykowa.
    manager: User
    it_admin: User
    #: Staff of Biała Podlaska; a stranger to what the others book.
    colleague: User
    #: Has an account and no role anywhere.
    newcomer: User
    migri: Contact
    voivodeships: ContactGroup
    contacts: dict[str, Contact] = field(default_factory=dict)

    def room(self, code: str) -> Room:
        return self.rooms[code]


def make_site(code: str = "KOS", **fields: Any) -> Site:
    """Make a site that is open from Monday to Friday, 7:00–18:00; `hours=()` for one that never opens."""
    hours = fields.pop("hours", [(weekday, time(7), time(18)) for weekday in range(5)])
    defaults = {"name": f"Ośrodek {code}", "city": "Warszawa", "position": Site.objects.count() + 1}
    site = Site.objects.create(code=code, **{**defaults, **fields})
    OpeningHours.objects.bulk_create(
        OpeningHours(site=site, weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in hours
    )
    return site


def make_room(site: Site, code: str = "1", **fields: Any) -> Room:
    defaults = {"name": f"Sala {code}", "seats": 10, "position": site.rooms.count() + 1}
    equipment = fields.pop("equipment", ())
    room = Room.objects.create(site=site, code=code, **{**defaults, **fields})
    room.equipment.set(equipment)
    return room


def make_pool(seats: int = 10, *, shares: dict[Site, int] | None = None, **fields: Any) -> LicencePool:
    """Make a pool with one grant and site shares, all in force since 2019 until further notice."""
    defaults = {"name": "System wideokonferencji", "is_default": True}
    pool = LicencePool.objects.create(**{**defaults, **fields})
    LicenceGrant.objects.create(pool=pool, seats=seats, valid_from=date(2019, 1, 1))
    SiteShare.objects.bulk_create(
        SiteShare(pool=pool, site=site, seats=share, valid_from=date(2019, 1, 1))
        for site, share in (shares or {}).items()
    )
    return pool


def make_user(email: str = "anna.wrzesinska@urzad.example", **fields: Any) -> User:
    """Make a user who signs in with PASSWORD. `staff_of`, `manages`: sites where they have that role."""
    staff_of, managed = fields.pop("staff_of", ()), fields.pop("manages", ())
    name = fields.pop("name", email.partition("@")[0].replace(".", " ").title())
    user = User.objects.create_user(email, fields.pop("password", PASSWORD), name=name, **fields)
    for sites, role in ((staff_of, SiteRole.Role.STAFF), (managed, SiteRole.Role.MANAGER)):
        SiteRole.objects.bulk_create(SiteRole(user=user, site=site, role=role) for site in sites)
    return user


def make_contact(email: str = "wideo@mazowiecki.example", **fields: Any) -> Contact:
    defaults = {"name": "Mazowiecki Urząd Wojewódzki"}
    return Contact.objects.create(email=email, **{**defaults, **fields})


def make_institution(code: str, name: str, **fields: Any) -> Institution:
    return Institution.objects.create(code=code, name=name, **fields)


def make_voivodeships() -> ContactGroup:
    """Make the 16 voivodeship offices, a contact each, and their group."""
    institutions = Institution.objects.bulk_create(
        Institution(code=code, name=f"{name} Urząd Wojewódzki", kind="urząd wojewódzki")
        for code, name, _domain in _VOIVODESHIPS
    )
    contacts = Contact.objects.bulk_create(
        Contact(institution=institution, name=institution.name, email=f"wideo@{domain}.example")
        for institution, (_code, _name, domain) in zip(institutions, _VOIVODESHIPS, strict=True)
    )
    return _make_group(contacts)


def _make_group(contacts: Sequence[Contact]) -> ContactGroup:
    group = ContactGroup.objects.create(name="urzędy wojewódzkie")
    members = ContactGroup.contacts.through
    members.objects.bulk_create(members(contactgroup=group, contact=contact) for contact in contacts)
    return group


def make_office() -> Office:
    """Make the whole example office, as in `demo/`, in few statements: most tests begin with it."""
    kos, tab, bia = _make_sites()
    *contacts, migri = _make_contacts()
    users = _make_users(kos, bia)
    return Office(
        koszykowa=kos,
        taborowa=tab,
        biala=bia,
        rooms=_make_rooms(kos, tab, bia),
        pool=make_pool(10, shares={kos: 4, tab: 3, bia: 2}),
        **users,
        migri=migri,
        voivodeships=_make_group(contacts),
        contacts={contact.institution.code: contact for contact in (*contacts, migri) if contact.institution},
    )


def _make_sites() -> list[Site]:
    sites = Site.objects.bulk_create(
        [
            Site(
                code="KOS",
                name="Koszykowa 16",
                short_name="Koszykowa",
                street="ul. Koszykowa 16",
                postcode="00-564",
                city="Warszawa",
                position=1,
            ),
            Site(
                code="TAB",
                name="Taborowa 33",
                short_name="Taborowa",
                street="ul. Taborowa 33",
                postcode="02-699",
                city="Warszawa",
                position=2,
            ),
            Site(
                code="BIA",
                name="Ośrodek dla Cudzoziemców w Białej Podlaskiej",
                short_name="Biała Podlaska",
                city="Biała Podlaska",
                position=3,
            ),
        ]
    )
    OpeningHours.objects.bulk_create(
        OpeningHours(site=site, weekday=weekday, opens=time(opens), closes=time(closes))
        for site, opens, closes in zip(sites, (7, 7, 8), (18, 18, 16), strict=True)
        for weekday in range(5)
    )
    return sites


def _make_contacts() -> list[Contact]:
    """Make the voivodeship offices and Migri, which comes last."""
    institutions = Institution.objects.bulk_create(
        [
            *(
                Institution(code=code, name=f"{name} Urząd Wojewódzki", kind="urząd wojewódzki")
                for code, name, _domain in _VOIVODESHIPS
            ),
            Institution(
                code="MIG",
                name="Finnish Immigration Service (Migri)",
                country="FI",
                language="en",
                kind="partner zagraniczny",
            ),
        ]
    )
    *voivodeships, migri = institutions
    return Contact.objects.bulk_create(
        [
            *(
                Contact(institution=institution, name=institution.name, email=f"wideo@{domain}.example")
                for institution, (_code, _name, domain) in zip(voivodeships, _VOIVODESHIPS, strict=True)
            ),
            Contact(
                email="video@migri.example",
                name=migri.name,
                institution=migri,
                language="en",
                time_zone="Europe/Helsinki",
            ),
        ]
    )


def _make_users(kos: Site, bia: Site) -> dict[str, User]:
    plan: dict[str, tuple[str, str, dict[str, Any]]] = {
        "staff": ("anna.wrzesinska", "Anna Wrzesińska", {"phone": "4412"}),
        "manager": ("piotr.zielinski", "Piotr Zieliński", {}),
        "it_admin": ("ewa.lukasik", "Ewa Łukasik", {"is_it_admin": True}),
        "colleague": ("hanna.sobczak", "Hanna Sobczak", {}),
        "newcomer": ("jan.nowy", "Jan Nowy", {}),
    }
    users = dict(
        zip(
            plan,
            User.objects.bulk_create(
                User(email=f"{mailbox}@urzad.example", name=name, password=make_password(PASSWORD), **extra)
                for mailbox, name, extra in plan.values()
            ),
            strict=True,
        )
    )
    roles = SiteRole.Role
    SiteRole.objects.bulk_create(
        SiteRole(user=users[who], site=site, role=role)
        for who, site, role in (
            ("staff", kos, roles.STAFF),
            ("manager", kos, roles.MANAGER),
            ("colleague", bia, roles.STAFF),
        )
    )
    return users


def _make_rooms(kos: Site, tab: Site, bia: Site) -> dict[str, Room]:
    camera, loop, step_free = Equipment.objects.bulk_create(
        [
            Equipment(code="kamera-dokumentowa", name="kamera dokumentowa", icon="doc"),
            Equipment(code="petla-indukcyjna", name="pętla indukcyjna", icon="ear"),
            Equipment(code="dostepna", name="dostępna", icon="wheel"),
        ]
    )
    quarter, ten = timedelta(minutes=15), timedelta(minutes=10)
    plan: list[tuple[Site, str, str, int, dict[str, Any]]] = [
        (kos, "2.14", "Sala wideo 2.14", 12, {"floor": 2, "equipment": [camera, step_free]}),
        (kos, "2.16", "Sala wideo 2.16", 6, {"floor": 2, "equipment": [step_free]}),
        (
            kos,
            "1.03",
            "Sala konferencyjna 1.03",
            40,
            {"floor": 1, "equipment": [loop], "setup": quarter, "clearing": quarter, "needs_approval": True},
        ),
        (kos, "3.01", "Gabinet narad 3.01", 8, {"floor": 3, "needs_approval": True}),
        (kos, "0.07", "Pokój przesłuchań 0.07", 4, {"equipment": [camera, step_free]}),
        (tab, "A", "Sala wideo A", 20, {"equipment": [camera, loop]}),
        (tab, "B", "Sala wideo B", 10, {"equipment": [step_free]}),
        (tab, "1.12", "Sala szkoleniowa 1.12", 30, {"floor": 1, "setup": quarter, "clearing": quarter}),
        (tab, "0.18", "Pokój przesłuchań 0.18", 4, {"equipment": [camera, step_free]}),
        (tab, "0.21", "Kabina tłumacza 0.21", 2, {}),
        (bia, "5", "Sala wideo 5", 8, {"floor": 1, "equipment": [camera]}),
        (bia, "SW", "Świetlica, wideo", 24, {"equipment": [step_free], "setup": ten, "clearing": ten}),
    ]
    counts: dict[int, int] = {}
    rooms, equipment = [], []
    for site, code, name, seats, extra in plan:
        counts[site.pk] = counts.get(site.pk, 0) + 1
        equipment.append(extra.pop("equipment", []))
        rooms.append(Room(site=site, code=code, name=name, seats=seats, position=counts[site.pk], **extra))
    Room.objects.bulk_create(rooms)
    has = Room.equipment.through
    has.objects.bulk_create(
        has(room=room, equipment=item) for room, items in zip(rooms, equipment, strict=True) for item in items
    )
    return {f"{room.site.code}/{room.code}": room for room in rooms}
