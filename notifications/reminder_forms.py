"""Forms for choosing reminders: one for people, one for sites. The services say what can't be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from bookings import when
from bookings.typed_times import TypedTimesForm
from bookings.wording import clock
from notifications.models import ReminderChoice, SiteReminders
from notifications.models.choices import Quiet
from notifications.reminder_choices import NotAChoice, SiteWishes
from notifications.reminder_terms import SiteTerms, Terms, known_leads, office_terms
from notifications.reminder_words import before_text, by_site, daily_text, hours_text, nudge_text, weekly_text
from rooms.models import Weekday

AS_SET, OWN, NONE = "as_set", "own", "none"
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_MOST_NUDGE_DAYS = 7


def _times(label: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=20, widget=widget)


class HoursForm(TypedTimesForm):
    """How long before the start, and at which hours not. `default`: what counts where nothing is chosen here."""

    day_fields = frozenset()

    how = forms.ChoiceField(
        label=gettext_lazy("Reminders of meetings"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose which reminders come.")},
    )
    leads = forms.MultipleChoiceField(
        label=gettext_lazy("How long before the start"), required=False, widget=forms.CheckboxSelectMultiple
    )
    quiet = forms.ChoiceField(
        label=gettext_lazy("Quiet hours"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose which quiet hours count.")},
    )
    quiet_from = _times(pgettext_lazy("quiet hours", "From"))
    quiet_to = _times(pgettext_lazy("quiet hours", "Until"))

    def __init__(
        self,
        *args: Any,
        row: ReminderChoice | SiteReminders | None,
        default: Terms,
        leads: Sequence[timedelta],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**_initial(row, default), **self.initial}
        self._choices("leads", [(_key(lead), before_text([lead])) for lead in leads])

    @property
    def quiet_times(self) -> list[forms.BoundField]:
        return [self["quiet_from"], self["quiet_to"]]

    def _choices(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]  # it is a ChoiceField

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("how") == OWN and not cleaned.get("leads") and "leads" not in self.errors:
            self.add_error("leads", _("Choose at least one, or choose that none come."))
        is_own = cleaned.get("quiet") == Quiet.OWN
        for name in ("quiet_from", "quiet_to"):
            cleaned[name] = self.read(name, when.parse_time) if is_own else None
        return cleaned

    def hours(self) -> dict[str, Any]:
        """Return what the services call leads and quiet hours. The form has to be valid."""
        cleaned = self.cleaned_data
        leads = tuple(int(key) * _MINUTE for key in cleaned["leads"])
        return {
            "leads": {AS_SET: None, NONE: (), OWN: leads}[cleaned["how"]],
            **{name: cleaned[name] for name in ("quiet", "quiet_from", "quiet_to")},
        }

    def refused(self, error: NotAChoice) -> None:
        """Show at its field what the service says against the choice."""
        self.add_error(error.field if error.field in self.fields else None, str(error))


class ChoiceForm(HoursForm):
    """What one person chooses. What the person has no business with is no field, and stays as it was.

    `sites`: whose terms count where nothing is chosen, none of them: the office's. `clock_of`: the person's zone in
    words. `organizes`, `manages`: sessions, and a site.
    """

    wants_nudge = forms.BooleanField(
        label=gettext_lazy("Ask me again when I have not answered an invitation"), required=False
    )
    wants_summary = forms.BooleanField(
        label=gettext_lazy("Overview of my next day: which of my sessions are ready, and who is coming"),
        required=False,
    )
    wants_digest = forms.BooleanField(
        label=gettext_lazy("Overview of the week at the sites that I manage"), required=False
    )

    def __init__(
        self,
        *args: Any,
        row: ReminderChoice | None,
        sites: Sequence[SiteTerms],
        clock_of: str,
        organizes: bool = False,
        manages: bool = False,
        **kwargs: Any,
    ) -> None:
        default = sites[0].terms if sites else office_terms()
        leads = known_leads(default, *(site.terms for site in sites), also=(row and row.leads) or ())
        super().__init__(*args, row=row, default=default, leads=leads, **kwargs)
        self.row, self.sites = row, sites
        self.fields["quiet"].help_text = _waits(_("By this clock: %(zone)s.") % {"zone": clock_of})
        as_set = _("As set for everybody: %(what)s")
        self._choices(
            "how",
            [
                (AS_SET, as_set % {"what": by_site(sites, lambda terms: before_text(terms.leads))}),
                (OWN, pgettext("reminders", "My own")),
                (NONE, pgettext("reminders", "None")),
            ],
        )
        self._choices(
            "quiet",
            [
                (Quiet.DEFAULT, as_set % {"what": by_site(sites, lambda terms: hours_text(terms.quiet))}),
                (Quiet.NONE, _("None: remind me at any hour")),
                (Quiet.OWN, pgettext("quiet hours", "My own")),
            ],
        )
        for name, is_there in (("wants_summary", organizes), ("wants_digest", manages)):
            if not is_there:
                del self.fields[name]

    @property
    def others(self) -> list[forms.BoundField]:
        """What comes beside reminders."""
        return [self[name] for name in ("wants_nudge", "wants_summary", "wants_digest") if name in self.fields]

    def wishes(self) -> dict[str, Any]:
        """Return what `reminder_choices.choose` takes. The form has to be valid."""
        names = ("wants_nudge", "wants_summary", "wants_digest")
        kept = {name: getattr(self.row, name) if self.row else True for name in names}
        return {**self.hours(), **{name: self.cleaned_data.get(name, kept[name]) for name in names}}


class SiteForm(HoursForm):
    """What a site does where people chose nothing."""

    nudge = forms.ChoiceField(label=gettext_lazy("Reminding people who have not answered"))
    summary = forms.ChoiceField(
        label=gettext_lazy("Overview of the next day, for people who have sessions"), widget=forms.RadioSelect
    )
    summary_at = _times(gettext_lazy("Sent at"))
    digest = forms.ChoiceField(label=gettext_lazy("Overview of the week, for managers"), widget=forms.RadioSelect)
    digest_weekday = forms.TypedChoiceField(
        label=gettext_lazy("Weekday"), required=False, choices=Weekday.choices, coerce=int, empty_value=None
    )
    digest_at = _times(gettext_lazy("Sent at"))

    def __init__(self, *args: Any, row: SiteReminders | None, **kwargs: Any) -> None:
        office = office_terms()
        leads = known_leads(office, also=(row and row.leads) or ())
        super().__init__(*args, row=row, default=office, leads=leads, initial=_site_initial(row, office), **kwargs)
        as_set = _("As in the whole office: %(what)s")
        never = pgettext("reminders", "Never")
        self._choices(
            "how",
            [
                (AS_SET, as_set % {"what": before_text(office.leads)}),
                (OWN, pgettext("reminders of a site", "Other")),
                (NONE, pgettext("reminders", "None")),
            ],
        )
        self._choices(
            "quiet",
            [
                (Quiet.DEFAULT, as_set % {"what": hours_text(office.quiet)}),
                (Quiet.NONE, pgettext("quiet hours", "None")),
                (Quiet.OWN, pgettext("quiet hours of a site", "Other")),
            ],
        )
        self.fields["quiet"].help_text = _waits(_("By the clock of whoever is reminded."))
        self._choices("nudge", self._nudges(office, row, as_set))
        self._choices(
            "summary",
            [
                (AS_SET, as_set % {"what": daily_text(office.summary_at)}),
                (OWN, pgettext("overview", "At another time")),
                (NONE, never),
            ],
        )
        self._choices(
            "digest",
            [
                (AS_SET, as_set % {"what": weekly_text(office.digest_at)}),
                (OWN, pgettext("overview", "At another time")),
                (NONE, never),
            ],
        )

    @property
    def summary_times(self) -> list[forms.BoundField]:
        return [self["summary_at"]]

    @property
    def digest_times(self) -> list[forms.BoundField]:
        return [self["digest_weekday"], self["digest_at"]]

    def _nudges(self, office: Terms, row: SiteReminders | None, as_set: str) -> list[tuple[str, str]]:
        leads = {days * _DAY for days in range(1, _MOST_NUDGE_DAYS + 1)}
        if row and row.nudge_lead:
            leads.add(row.nudge_lead)
        what = before_text(office.nudges) if office.nudges else pgettext("reminders", "never")
        own = [(_key(lead), nudge_text(lead)) for lead in sorted(leads)]
        return [(AS_SET, as_set % {"what": what}), ("0", pgettext("reminders", "Never")), *own]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for choice, name in (("summary", "summary_at"), ("digest", "digest_at")):
            cleaned[name] = self.read(name, when.parse_time) if cleaned.get(choice) == OWN else None
        return cleaned

    def wishes(self) -> SiteWishes:
        """Return what was chosen. The form has to be valid."""
        cleaned = self.cleaned_data
        is_own = cleaned["digest"] == OWN
        return SiteWishes(
            **self.hours(),
            nudge_lead=None if cleaned["nudge"] == AS_SET else int(cleaned["nudge"]) * _MINUTE,
            has_summary=cleaned["summary"] != NONE,
            summary_at=cleaned["summary_at"],
            has_digest=cleaned["digest"] != NONE,
            digest_weekday=cleaned["digest_weekday"] if is_own else None,
            digest_at=cleaned["digest_at"],
        )


def _waits(clock_of: str) -> str:
    text = _("A reminder that falls into them comes when they end, or before they begin if that would be too late.")
    return f"{text} {clock_of}"


def _key(lead: timedelta) -> str:
    return str(lead // _MINUTE)


def _initial(row: ReminderChoice | SiteReminders | None, default: Terms) -> dict[str, Any]:
    """Fill in what is chosen. What is not, shows what counts now: who turns to own ones begins with that."""
    own = None if row is None else row.leads
    hours = (row.quiet_from, row.quiet_to) if row and row.quiet_from and row.quiet_to else default.quiet
    return {
        "how": AS_SET if own is None else OWN if own else NONE,
        "leads": [_key(lead) for lead in own or default.leads],
        "quiet": row.quiet if row else Quiet.DEFAULT,
        "quiet_from": _shown(hours and hours[0]),
        "quiet_to": _shown(hours and hours[1]),
        **{name: getattr(row, name, True) for name in ("wants_nudge", "wants_summary", "wants_digest")},
    }


def _site_initial(row: SiteReminders | None, office: Terms) -> dict[str, Any]:
    found = row or SiteReminders()
    own = found.digest_weekday is not None and found.digest_at is not None
    weekday, at = (found.digest_weekday, found.digest_at) if own else office.digest_at or (0, None)
    return {
        "nudge": AS_SET if found.nudge_lead is None else _key(found.nudge_lead),
        "summary": (OWN if found.summary_at else AS_SET) if found.has_summary else NONE,
        "summary_at": _shown(found.summary_at or office.summary_at),
        "digest": (OWN if own else AS_SET) if found.has_digest else NONE,
        "digest_weekday": weekday,
        "digest_at": _shown(at),
    }


def _shown(at: time | None) -> str:
    return clock(at) if at else ""
