"""The terms of a pool as people enter them: one form for each kind of change, named as in its address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.models import User
from bookings import when
from bookings.typed_times import TypedTimesForm
from rooms.licence_lending import AssignNamed, EndLoan, EndNamed, Lend
from rooms.licence_services import (
    MOST_LEND_DAYS,
    MOST_SEATS,
    AddGrant,
    EndGrant,
    LicenceChange,
    ResizeGrant,
    SetEmergency,
    SetShares,
    SetTerms,
)
from rooms.models import LicenceGrant, LicenceLoan, LicencePool, NamedLicence, Room, Site, SiteTerms
from rooms.permissions import SiteRoles

if TYPE_CHECKING:
    # Only the stubs have it.
    from django.utils.functional import _StrPromise

_DAY_HINT = gettext_lazy("For example 3.12.2026, 3 December or tomorrow.")


@dataclass(frozen=True)
class Asked:
    """What a form is about. `today`: in the pool's zone; `row`: what is changed, where there is something."""

    pool: LicencePool
    roles: SiteRoles
    sites: Sequence[Site]
    today: date
    row: Any = None

    @property
    def tomorrow(self) -> date:
        return self.today + timedelta(days=1)


def typed(day: date | None) -> str:
    """Return the day as people type it: „25.11.2026”."""
    return f"{day.day}.{day.month:02d}.{day.year}" if day else ""


def seats_field(label: str | _StrPromise, *, least: int) -> forms.IntegerField:
    text = gettext_lazy("Write a whole number of licences: %(limit_value)s or more.")
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=MOST_SEATS,
        # A number field would throw away what it can't read, and with it what was typed.
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": gettext_lazy("Say how many licences."),
            "invalid": gettext_lazy("Write a whole number of licences, for example 4."),
            "min_value": text,
            "max_value": gettext_lazy("Write a whole number of licences: %(limit_value)s at most."),
        },
    )


def day_field(label: str | _StrPromise, *, required: bool = True) -> forms.CharField:
    field = forms.CharField(label=label, required=required, help_text=_DAY_HINT, max_length=60)
    field.widget.attrs["autocomplete"] = "off"
    field.error_messages["required"] = gettext_lazy(
        "Say on which day: 3.12, Thu 3.12, 3.12.2026, 3 December or tomorrow."
    )
    return field


class LicenceForm(TypedTimesForm):
    """Read it with `changes` once it is valid. Names of fields are those that refusals of the changes give."""

    title: ClassVar[str | _StrPromise]
    submit: ClassVar[str | _StrPromise]
    note: ClassVar[str | _StrPromise] = ""
    row_model: ClassVar[type[Any] | None] = None
    day_fields = frozenset({"from_on", "valid_from", "valid_to", "last_day"})

    def __init__(self, data: Any, *, asked: Asked) -> None:
        self.asked = asked
        super().__init__(data, initial=self.first_values(asked))

    @classmethod
    def may(cls, asked: Asked) -> bool:
        return asked.roles.is_it_admin

    def first_values(self, asked: Asked) -> dict[str, Any]:
        return {"from_on": typed(asked.tomorrow)}

    def clean(self) -> dict[str, Any]:
        for name in self.day_fields & self.fields.keys():
            if self.cleaned_data.get(name):
                self.cleaned_data[name] = self.read(name, self._day)
            elif name in self.cleaned_data:
                self.cleaned_data[name] = None
        return self.cleaned_data

    def _day(self, text: str) -> date:
        return when.parse_day(text, today=self.asked.today)

    def changes(self) -> list[LicenceChange]:
        raise AssertionError("each form says what it changes")


class AllocationForm(LicenceForm):
    title = gettext_lazy("Allocation")
    submit = gettext_lazy("Save the allocation")
    from_on = day_field(gettext_lazy("In force from"))

    def __init__(self, data: Any, *, asked: Asked) -> None:
        self.terms = {row.site_id: row for row in SiteTerms.objects.filter(pool=asked.pool)}
        self.shares = list(asked.pool.shares.order_by("valid_from", "pk"))
        super().__init__(data, asked=asked)
        for site in asked.sites:
            self._add_site(site)
        # As on the page, so that a summary of errors names them in that order.
        self.order_fields([*(name for name in self.fields if name != "from_on"), "from_on"])

    def _add_site(self, site: Site) -> None:
        share = seats_field(_("Share: %(site)s") % {"site": site.name}, least=0)
        share.widget.attrs.update({"class": "input input--num", "data-share": str(site.pk)})
        short = forms.ChoiceField(
            label=_("When licences run short: %(site)s") % {"site": site.name}, choices=SiteTerms.WhenShort.choices
        )
        short.widget.attrs["class"] = "select select--sm"
        lend = forms.IntegerField(
            label=_("Lends idle licences, days ahead: %(site)s") % {"site": site.name},
            min_value=0,
            max_value=MOST_LEND_DAYS,
            widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
            error_messages={
                name: _("Write a whole number of days from 0 to %(most)d.") % {"most": MOST_LEND_DAYS}
                for name in ("required", "invalid", "min_value", "max_value")
            },
        )
        lend.widget.attrs["class"] = "input input--num"
        terms = self.terms.get(site.pk) or SiteTerms()
        self.fields |= {f"share-{site.pk}": share, f"short-{site.pk}": short, f"lend-{site.pk}": lend}
        self.initial[f"share-{site.pk}"] = self.share_on(site, self.asked.tomorrow)
        self.initial[f"short-{site.pk}"] = terms.when_short
        self.initial[f"lend-{site.pk}"] = terms.lend_days

    def share_on(self, site: Site, day: date) -> int:
        return sum(row.seats for row in self.shares if row.site_id == site.pk and row.is_in_force(day))

    def changes(self) -> list[LicenceChange]:
        values, asked = self.cleaned_data, self.asked
        seats = {site: values[f"share-{site.pk}"] for site in asked.sites}
        found: list[LicenceChange] = [SetShares(asked.pool, seats, values["from_on"])]
        return found + [
            SetTerms(asked.pool, site, values[f"short-{site.pk}"], values[f"lend-{site.pk}"]) for site in asked.sites
        ]


class GrantForm(LicenceForm):
    title = gettext_lazy("Add licences that the office owns")
    submit = gettext_lazy("Add the licences")
    note = gettext_lazy(
        "The first day may be over, the last one not. Without a last day they are there until further notice."
    )
    seats = seats_field(gettext_lazy("Licences"), least=1)
    valid_from = day_field(pgettext_lazy("licences", "First day"))
    valid_to = day_field(pgettext_lazy("licences", "Last day"), required=False)

    def first_values(self, asked: Asked) -> dict[str, Any]:
        return {"valid_from": typed(asked.tomorrow)}

    def changes(self) -> list[LicenceChange]:
        values = self.cleaned_data
        return [AddGrant(self.asked.pool, values["seats"], values["valid_from"], values.get("valid_to"))]


class GrantSizeForm(LicenceForm):
    title = gettext_lazy("Another number of licences")
    submit = gettext_lazy("Save the number")
    row_model = LicenceGrant
    seats = seats_field(gettext_lazy("Licences"), least=1)
    from_on = day_field(gettext_lazy("In force from"))

    def first_values(self, asked: Asked) -> dict[str, Any]:
        first = max(asked.tomorrow, asked.row.valid_from)
        return {"seats": asked.row.seats, "from_on": typed(first)}

    def changes(self) -> list[LicenceChange]:
        return [ResizeGrant(self.asked.row, self.cleaned_data["seats"], self.cleaned_data["from_on"])]


class _LastDayForm(LicenceForm):
    last_day = day_field(pgettext_lazy("licences", "Last day"))

    def first_values(self, asked: Asked) -> dict[str, Any]:
        return {"last_day": typed(max(asked.today, asked.row.valid_from))}


class GrantEndForm(_LastDayForm):
    title = gettext_lazy("Licences end")
    submit = gettext_lazy("Save the last day")
    note = gettext_lazy("Licences that begin only after this day are taken back.")
    row_model = LicenceGrant

    def first_values(self, asked: Asked) -> dict[str, Any]:
        last = asked.row.valid_to
        return {"last_day": typed(last)} if last else super().first_values(asked)

    def changes(self) -> list[LicenceChange]:
        return [EndGrant(self.asked.row, self.cleaned_data["last_day"])]


class LoanForm(LicenceForm):
    title = gettext_lazy("Lend licences")
    submit = gettext_lazy("Lend the licences")
    note = gettext_lazy(
        "They come out of the share of the site that lends, and go back by themselves after the last day."
    )
    lender = forms.ChoiceField(
        label=gettext_lazy("Lent by"), error_messages={"required": gettext_lazy("Choose a site.")}
    )
    borrower = forms.ChoiceField(
        label=gettext_lazy("Lent to"), error_messages={"required": gettext_lazy("Choose a site.")}
    )
    seats = seats_field(gettext_lazy("Licences"), least=1)
    valid_from = day_field(pgettext_lazy("licences", "First day"))
    valid_to = day_field(pgettext_lazy("licences", "Last day"))

    def __init__(self, data: Any, *, asked: Asked) -> None:
        super().__init__(data, asked=asked)
        lenders = [site for site in asked.sites if asked.roles.manages(site.pk)]
        self.fields["lender"].choices = _choices(lenders, blank=len(lenders) != 1)  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["borrower"].choices = _choices(asked.sites, blank=True)  # type: ignore[attr-defined]  # a ChoiceField

    @classmethod
    def may(cls, asked: Asked) -> bool:
        return asked.roles.is_it_admin or bool(asked.roles.managed_sites)

    def first_values(self, asked: Asked) -> dict[str, Any]:
        return {"seats": 1, "valid_from": typed(asked.tomorrow)}

    def changes(self) -> list[LicenceChange]:
        values, sites = self.cleaned_data, {str(site.pk): site for site in self.asked.sites}
        lender, borrower = sites[values["lender"]], sites[values["borrower"]]
        return [Lend(self.asked.pool, lender, borrower, values["seats"], values["valid_from"], values.get("valid_to"))]


class LoanEndForm(_LastDayForm):
    title = gettext_lazy("End a loan sooner")
    submit = gettext_lazy("End the loan")
    note = gettext_lazy("A loan that begins only after this day is taken back.")
    row_model = LicenceLoan

    @classmethod
    def may(cls, asked: Asked) -> bool:
        return asked.roles.manages(asked.row.lender_id)

    def changes(self) -> list[LicenceChange]:
        return [EndLoan(self.asked.row, self.cleaned_data["last_day"])]


class EmergencyForm(LicenceForm):
    title = gettext_lazy("Emergency licences")
    submit = gettext_lazy("Save the number")
    note = gettext_lazy(
        "They are kept out of general use; only the roles that the pool names take them, with a reason."
    )
    seats = seats_field(gettext_lazy("Licences"), least=0)
    from_on = day_field(gettext_lazy("In force from"))

    def first_values(self, asked: Asked) -> dict[str, Any]:
        rows = asked.pool.emergency_seats.all()
        seats = sum(row.seats for row in rows if row.is_in_force(asked.tomorrow))
        return {"seats": seats, "from_on": typed(asked.tomorrow)}

    def changes(self) -> list[LicenceChange]:
        return [SetEmergency(self.asked.pool, self.cleaned_data["seats"], self.cleaned_data["from_on"])]


class NamedForm(LicenceForm):
    title = gettext_lazy("Assign a licence to a person or a room")
    submit = gettext_lazy("Assign the licence")
    note = gettext_lazy("Only sessions of this person or in this room use it, one at a time.")
    owner = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("name", "pk"),
        label=gettext_lazy("Person"),
        required=False,
        empty_label=pgettext_lazy("owner of a licence", "nobody"),
    )
    room = forms.ModelChoiceField(
        Room.objects.filter(is_active=True).select_related("site").order_by("site__position", "position", "pk"),
        label=gettext_lazy("Room"),
        required=False,
        empty_label=gettext_lazy("no room"),
    )
    site = forms.ChoiceField(label=gettext_lazy("Out of the share of"), required=False)
    valid_from = day_field(pgettext_lazy("licences", "First day"))
    valid_to = day_field(pgettext_lazy("licences", "Last day"), required=False)

    def __init__(self, data: Any, *, asked: Asked) -> None:
        super().__init__(data, asked=asked)
        choices = [("", _("nobody: out of the shared reserve")), *_choices(asked.sites, blank=False)]
        self.fields["site"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def first_values(self, asked: Asked) -> dict[str, Any]:
        return {"valid_from": typed(asked.tomorrow)}

    def changes(self) -> list[LicenceChange]:
        values = self.cleaned_data
        site = next((site for site in self.asked.sites if str(site.pk) == values["site"]), None)
        owner, room = values.get("owner"), values.get("room")
        return [AssignNamed(self.asked.pool, owner, room, site, values["valid_from"], values.get("valid_to"))]


class NamedEndForm(_LastDayForm):
    title = gettext_lazy("Give a named licence back")
    submit = gettext_lazy("Save the last day")
    note = gettext_lazy(
        "Sessions that hold it after this day take an ordinary licence. To give it to somebody else, assign it anew."
    )
    row_model = NamedLicence

    def changes(self) -> list[LicenceChange]:
        return [EndNamed(self.asked.row, self.cleaned_data["last_day"])]


def _choices(sites: Sequence[Site], *, blank: bool) -> list[tuple[str, str]]:
    found = [(str(site.pk), site.name) for site in sites]
    return [("", _("Choose")), *found] if blank else found


#: By the word in the address.
KINDS: dict[str, type[LicenceForm]] = {
    "przydzial": AllocationForm,
    "zakup": GrantForm,
    "liczba": GrantSizeForm,
    "koniec": GrantEndForm,
    "pozyczka": LoanForm,
    "zwrot": LoanEndForm,
    "awaryjne": EmergencyForm,
    "imienna": NamedForm,
    "oddanie": NamedEndForm,
}
