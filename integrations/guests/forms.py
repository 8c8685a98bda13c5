"""What an invited person answers on their page."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bookings import services, when
from bookings.models import Attendee, Occurrence
from bookings.typed_times import TypedTimesForm
from rooms.interval import Interval

PartStat = Attendee.PartStat
PROPOSE = "PROPOSE"
#: Words in the addresses of the buttons in a mail: they choose an answer and send none.
CHOSEN_BY = {"tak": PartStat.ACCEPTED, "nie": PartStat.DECLINED, "moze": PartStat.TENTATIVE, "inny": PROPOSE}
MAX_COMMENT = 1_000


class AnswerForm(TypedTimesForm):
    """`meetings`: those to come of a series that the person is invited to as a whole; none where there is one only.

    Another time is one of those that were offered (`slot`, an instant) or typed (`day` and `start`, in `zone`).
    """

    reply = forms.ChoiceField(
        label=gettext_lazy("Will you take part?"),
        choices=[
            (PartStat.ACCEPTED, pgettext_lazy("my answer", "Yes")),
            (PartStat.TENTATIVE, pgettext_lazy("my answer", "Perhaps")),
            (PartStat.DECLINED, pgettext_lazy("my answer", "No")),
            (PROPOSE, pgettext_lazy("my answer", "I propose another time")),
        ],
        error_messages={"required": gettext_lazy("Choose an answer.")},
    )
    meeting = forms.ChoiceField(label=gettext_lazy("To which meetings"), required=False)
    slot = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    day = forms.CharField(label=gettext_lazy("Day"), required=False, max_length=60)
    start = forms.CharField(label=pgettext_lazy("time of a session", "From"), required=False, max_length=20)
    comment = forms.CharField(
        label=gettext_lazy("Message to the organizer"),
        required=False,
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 3, "class": "input"}),
    )
    sequence = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(
        self,
        *args: Any,
        attendee: Attendee,
        meeting: Occurrence,
        meetings: list[tuple[Occurrence, str]],
        zone: ZoneInfo,
        now: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._attendee, self._next, self._zone, self._now = attendee, meeting, zone, now
        self._by_key = {str(item.pk): item for item, _words in meetings}
        listed = [(str(item.pk), words) for item, words in meetings]
        self.fields["meeting"].choices = [("", _("all meetings")), *listed]  # type: ignore[attr-defined]  # it is a ChoiceField
        self.fields["day"].widget.attrs |= {"class": "input", "autocomplete": "off"}
        self.fields["start"].widget.attrs |= {"class": "input num", "autocomplete": "off", "inputmode": "numeric"}
        self.proposed: Interval | None = None
        if not listed:
            del self.fields["meeting"]

    @property
    def meetings(self) -> list[Occurrence]:
        """The meetings that can be chosen, in their order."""
        return list(self._by_key.values())

    @property
    def occurrence(self) -> Occurrence | None:
        """The meeting that was chosen; None: all that the person is invited to."""
        return self._by_key.get(self.cleaned_data.get("meeting", ""))

    @property
    def is_proposal(self) -> bool:
        return self["reply"].value() == PROPOSE

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("reply") == PROPOSE:
            start_at = self._slot(data["slot"]) if data.get("slot") else self._typed()
            if start_at is not None and not self.errors:
                meeting = self.occurrence or self._next
                self._look_at(Interval(start_at, start_at + meeting.interval.duration), meeting)
        return data

    def _slot(self, text: str) -> datetime | None:
        try:
            start_at = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            start_at = None
        if start_at is None or start_at.year not in when.YEARS:
            self.add_error("day", _("Choose one of the times, or write another."))
            return None
        return start_at

    def _typed(self) -> datetime | None:
        """Return the time that was typed, as an instant; it is as long as the meeting."""
        today = self._now.astimezone(self._zone).date()
        day: date | None = self.read("day", lambda text: when.parse_day(text, today=today))
        start: time | None = self.read("start", when.parse_time)
        if day is None or start is None:
            return None
        local = datetime.combine(day, start)
        start_at = local.replace(tzinfo=self._zone).astimezone(UTC)
        if start_at.astimezone(self._zone).replace(tzinfo=None) != local:
            self.add_error("start", _("The clocks skip this time on that day."))
            return None
        return start_at

    def _look_at(self, proposed: Interval, meeting: Occurrence) -> None:
        if proposed.start_at <= self._now:
            self.add_error("day", _("This time has passed."))
        elif proposed == meeting.interval:
            self.add_error("start", _("The session is at this time already."))
        elif not services.can_be_at(
            self._attendee,
            meeting,
            proposed,
            is_whole_series=meeting.booking.is_series and self.occurrence is None and not self._attendee.occurrence_id,
            now=self._now,
        ):
            self.add_error("day", _("The session can't be then: a room is taken, or the office is closed."))
        else:
            self.proposed = proposed
