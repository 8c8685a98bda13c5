"""What an invited person answers on their page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bookings.models import Attendee, Occurrence
from rooms.interval import Interval

PartStat = Attendee.PartStat
PROPOSE = "PROPOSE"
#: Words in the addresses of the buttons in a mail: they choose an answer and send none.
CHOSEN_BY = {"tak": PartStat.ACCEPTED, "nie": PartStat.DECLINED, "inny": PROPOSE}
MAX_COMMENT = 1_000


class AnswerForm(forms.Form):
    """`meetings`: those to come of a series that the person is invited to as a whole; none where there is one only."""

    reply = forms.ChoiceField(
        label=gettext_lazy("Will you take part?"),
        choices=[
            (PartStat.ACCEPTED, pgettext_lazy("my answer", "Yes")),
            (PartStat.TENTATIVE, pgettext_lazy("my answer", "Perhaps")),
            (PartStat.DECLINED, pgettext_lazy("my answer", "No")),
            (PROPOSE, pgettext_lazy("my answer", "I propose another time")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose an answer.")},
    )
    meeting = forms.ChoiceField(label=gettext_lazy("To which meetings"), required=False)
    day = forms.DateField(
        label=gettext_lazy("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    start = forms.TimeField(
        label=gettext_lazy("Start"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    comment = forms.CharField(
        label=gettext_lazy("Message to the organizer"),
        required=False,
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    sequence = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(
        self,
        *args: Any,
        meeting: Occurrence,
        meetings: list[tuple[Occurrence, str]],
        zone: ZoneInfo,
        now: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._next, self._zone, self._now = meeting, zone, now
        self._by_key = {str(item.pk): item for item, _words in meetings}
        listed = [(str(item.pk), words) for item, words in meetings]
        self.fields["meeting"].choices = [("", _("all meetings")), *listed]  # type: ignore[attr-defined]  # it is a ChoiceField
        if not listed:
            del self.fields["meeting"]

    @property
    def occurrence(self) -> Occurrence | None:
        """The meeting that was chosen; None: all that the person is invited to."""
        return self._by_key.get(self.cleaned_data.get("meeting", ""))

    @property
    def proposed(self) -> Interval:
        """The other time: as long as the meeting is."""
        meeting = self.occurrence or self._next
        local = datetime.combine(self.cleaned_data["day"], self.cleaned_data["start"], self._zone)
        start_at = local.astimezone(UTC)
        return Interval(start_at, start_at + meeting.interval.duration)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("reply") != PROPOSE:
            return data
        for name, words in (("day", _("Say on which day.")), ("start", _("Say when it should begin."))):
            if name not in self.errors and not data.get(name):
                self.add_error(name, words)
        if not self.errors:
            self._look_at(self.proposed)
        return data

    def _look_at(self, proposed: Interval) -> None:
        local = datetime.combine(self.cleaned_data["day"], self.cleaned_data["start"], self._zone)
        if proposed.start_at.astimezone(self._zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            self.add_error("start", _("The clocks skip this time on that day."))
        elif proposed.start_at <= self._now:
            self.add_error("day", _("This time has passed."))
        elif proposed == (self.occurrence or self._next).interval:
            self.add_error("start", _("The session is at this time already."))
