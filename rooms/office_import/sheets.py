"""The files of an office: which columns they have, and how a row becomes facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Field, Model
from django.utils.translation import gettext as _

from accounts.models import ContactGroup, Institution, User
from accounts.services import InstitutionFacts, PersonFacts
from accounts.zones import zone_of_country
from rooms.hours import Hours
from rooms.models import Equipment, LicencePool, Room, Site, SiteRole
from rooms.office_import import values
from rooms.office_import.cells import Cells
from rooms.office_import.problems import BadValue
from rooms.office_import.table import Sheet, Table
from rooms.services import EquipmentFacts, RoomFacts, SeatsFacts, SiteFacts

SITES = Sheet(
    "sites.csv",
    ("code", "name", "street", "postcode", "city", "timezone", "opens", "closes", "days", "phone"),
    optional=("short_name",),
)
ROOMS = Sheet(
    "rooms.csv",
    (
        "site",
        "code",
        "name",
        "floor",
        "seats",
        "equipment",
        "setup_minutes",
        "clearing_minutes",
        "approval",
        "mailbox",
    ),
    optional=("licence",),
)
LICENCES = Sheet("licences.csv", ("pool", "counts", "seats", "valid_from", "valid_to", "site", "share"))
INSTITUTIONS = Sheet(
    "institutions.csv",
    ("code", "name", "kind", "city", "country", "language", "email", "group"),
    optional=("timezone",),
)
EQUIPMENT = Sheet("equipment.csv", ("code", "name", "name_en", "icon", "filter"), is_required=False)
PEOPLE = Sheet(
    "people.csv",
    ("email", "name", "unit", "phone", "language", "role", "site"),
    optional=("example_login",),
    is_required=False,
)

IT_ADMIN = "it_admin"
_ROLES = {role: role for role in (*SiteRole.Role.values, IT_ADMIN)}
_MOST_SEATS = 10_000


@dataclass(frozen=True, slots=True)
class LicenceRow:
    """One line of licences.csv: the pool with a grant, and the share of one site or none."""

    line: int
    pool: str
    counts: str
    grant: SeatsFacts
    share: SeatsFacts | None


@dataclass(frozen=True, slots=True)
class Person:
    """One line of people.csv. `roles`: by code of the site. `has_example_login`: `demo_logins` may set a password."""

    facts: PersonFacts
    roles: dict[str, str] = field(default_factory=dict)
    has_example_login: bool = False


def rows(table: Table) -> Iterator[Cells]:
    for row in table.rows:
        yield Cells(table, row)


def _text(model: type[Model], name: str, *, may_be_empty: bool = False) -> Callable[[str], str]:
    """Return a reader of text that fits into the model's field."""
    column: Field = model._meta.get_field(name)  # type: ignore[assignment]  # noqa: SLF001  Django's documented name
    return values.text(longest=column.max_length or 0, may_be_empty=may_be_empty)


def read_site(cells: Cells) -> SiteFacts:
    short_name = cells.read("short_name", _text(Site, "short_name")) if cells.has("short_name") else None
    return SiteFacts(
        code=cells.read("code", _text(Site, "code")),
        name=cells.read("name", _text(Site, "name")),
        short_name=short_name,
        street=cells.read("street", _text(Site, "street", may_be_empty=True)),
        postcode=cells.read("postcode", _text(Site, "postcode", may_be_empty=True)),
        city=cells.read("city", _text(Site, "city", may_be_empty=True)),
        phone=cells.read("phone", _text(Site, "phone", may_be_empty=True)),
        time_zone=cells.read("timezone", values.zone),
        hours=_read_hours(cells),
    )


def _read_hours(cells: Cells) -> frozenset[Hours]:
    opens, closes = cells.read("opens", values.clock), cells.read("closes", values.clock)
    days = cells.read("days", values.weekdays)
    if None in (opens, closes, days):
        return frozenset()
    if closes <= opens:
        cells.refuse(
            "closes",
            _("%(closes)s is not after %(opens)s. Write a later time.")
            % {"closes": cells.raw("closes"), "opens": cells.raw("opens")},
        )
    return frozenset(Hours(weekday, opens, closes) for weekday in days)


def read_room(cells: Cells) -> RoomFacts:
    """Equipment stands by name or code in the file; here it is still as written."""
    return RoomFacts(
        site=cells.read("site", _text(Site, "code")),
        code=cells.read("code", _text(Room, "code")),
        name=cells.read("name", _text(Room, "name")),
        floor=cells.read("floor", values.integer(lowest=-20, highest=200)),
        seats=cells.read("seats", values.integer(lowest=1, highest=_MOST_SEATS)),
        equipment=cells.read("equipment", _equipment_names),
        setup=cells.read("setup_minutes", values.minutes),
        clearing=cells.read("clearing_minutes", values.minutes),
        needs_approval=cells.read("approval", values.yes_no),
        mailbox=cells.read("mailbox", values.optional_email),
        licence=cells.raw("licence").strip() or None,
    )


def _equipment_names(value: str) -> frozenset[str]:
    names = [_text(Equipment, "name")(name) for name in values.listed(value)]
    for name in names:
        if not values.code_from_name(name):
            raise BadValue(_("“%(value)s” has no letter or digit. Write what the room has.") % {"value": name})
    return frozenset(names)


def read_equipment(cells: Cells) -> EquipmentFacts:
    code = cells.read("code", _text(Equipment, "code"))
    if code and code != values.code_from_name(code):
        cells.refuse(
            "code",
            _("“%(value)s” is not a code. Write small letters without accents, digits and hyphens, such as %(code)s.")
            % {"value": code, "code": values.code_from_name(code) or "kamera"},
        )
    return EquipmentFacts(
        code=code,
        name=cells.read("name", _text(Equipment, "name")),
        name_en=cells.read("name_en", _text(Equipment, "name_en", may_be_empty=True)),
        icon=cells.read("icon", _text(Equipment, "icon", may_be_empty=True)),
        is_filter=cells.read("filter", values.yes_no),
    )


def read_licence(cells: Cells) -> LicenceRow:
    seats = values.integer(lowest=1, highest=_MOST_SEATS)
    valid_from, valid_to = cells.read("valid_from", values.day), cells.read("valid_to", values.optional_day)
    if valid_from and valid_to and valid_to < valid_from:
        cells.refuse(
            "valid_to",
            _("%(last)s is before %(first)s. Write the last day, or leave the cell empty: until further notice.")
            % {"last": valid_to, "first": valid_from},
        )
    share = None
    if cells.has("site") or cells.has("share"):
        site = cells.read("site", _text(Site, "code"))
        share = SeatsFacts(cells.read("share", seats), valid_from, valid_to, site)
    return LicenceRow(
        line=cells.line,
        pool=cells.read("pool", _text(LicencePool, "name")),
        counts=cells.read("counts", values.one_of({value: value for value in LicencePool.Counts.values})),
        grant=SeatsFacts(cells.read("seats", seats), valid_from, valid_to),
        share=share,
    )


def read_institution(cells: Cells) -> InstitutionFacts:
    """Without a zone of its own a mailbox is in the only zone of its country, or else in the office's."""
    country = cells.read("country", values.country)
    time_zone = (country and zone_of_country(country)) or settings.TIME_ZONE
    return InstitutionFacts(
        code=cells.read("code", _text(Institution, "code")),
        name=cells.read("name", _text(Institution, "name")),
        kind=cells.read("kind", _text(Institution, "kind", may_be_empty=True)),
        city=cells.read("city", _text(Institution, "city", may_be_empty=True)),
        country=country,
        language=cells.read("language", values.language),
        email=cells.read("email", values.email),
        time_zone=cells.read("timezone", values.zone) if cells.has("timezone") else time_zone,
        group=cells.read("group", _text(ContactGroup, "name", may_be_empty=True)),
    )


def read_person(cells: Cells) -> Person:
    role = cells.read("role", values.one_of(_ROLES))
    sites = values.listed(cells.raw("site"))
    if role == IT_ADMIN and sites:
        cells.refuse("site", _("an IT admin works at all sites. Leave the cell empty."))
    if role in SiteRole.Role.values and not sites:
        cells.refuse("site", _("the cell is empty. Write the codes of the person's sites, separated by semicolons."))
    return Person(
        facts=PersonFacts(
            email=cells.read("email", values.email),
            name=cells.read("name", _text(User, "name")),
            unit=cells.read("unit", _text(User, "unit", may_be_empty=True)),
            phone=cells.read("phone", _text(User, "phone", may_be_empty=True)),
            language=cells.read("language", values.language),
            is_it_admin=role == IT_ADMIN,
        ),
        roles=dict.fromkeys(sites, role),
        has_example_login=cells.read("example_login", values.yes_no) if cells.has("example_login") else False,
    )
