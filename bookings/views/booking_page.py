"""Puts the booking page together: form, judge's answer, rooms, participants, the hours around the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from accounts import queries as people_queries
from accounts.models import User
from bookings import availability
from bookings.availability import Assessment
from bookings.availability.picture import Picture, draw
from bookings.availability.search import FreeRoom, free_rooms
from bookings.forms import BookingForm, language_names, read_submission
from bookings.mailing import Mailing, find_mailing, invitations_to
from bookings.queries import BookingDetails
from bookings.rules import BookingRequest, Code, Refusal, Scope, find_interval
from bookings.services import DraftState
from bookings.views import (
    booking_behalf,
    booking_licences,
    booking_people,
    booking_repeat,
    booking_rooms,
    booking_series,
    booking_tracks,
    booking_wishes,
    booking_words,
    form_templates,
    kept_forms,
)
from bookings.views.booking_draft import Draft
from bookings.views.booking_mailing import mailing_words, summary_of
from bookings.views.booking_series import DECIDABLE, Outcome
from bookings.wording import clock, refusal_text
from rooms.interval import Interval
from rooms.models import Room
from rooms.permissions import SiteRoles
from rooms.queries import rooms_to_choose

#: What a form that is being filled in is not told yet.
_ONLY_WHEN_SAVED = {Code.TITLE_MISSING}
#: Fields of which it is told at once what is wrong with them.
_AT_ONCE = {"day", "start", "end", "until", "count", "emergency_reason"}
#: Where each field of a refusal is found on the page.
_ANCHORS = {
    "title": "id_title",
    "recording": "id_recording",
    "description": "id_description",
    "day": "id_day",
    "start": "id_start",
    "end": "id_end",
    "repeat": "series",
    "until": "id_until",
    "count": "id_count",
    "series": "series",
    "rooms": "rooms",
    "organizer": "id_lead",
    "participants": "id_who",
    "dates": "dates",
    "emergency_reason": "id_emergency_reason",
    "version": "current-state",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence about one field. `anchor`: the id of what has to be changed."""

    field: str
    text: str

    @property
    def anchor(self) -> str:
        return _ANCHORS.get(self.field, "main")


@dataclass(frozen=True)
class Page:
    """Everything that the templates draw. `saved`: the form was sent to be booked, so every problem is named.

    `refusals`: those of the save, where there was one; otherwise the judge is asked here.
    """

    draft: Draft
    form: BookingForm
    user: User
    now: datetime
    time_zone: str
    details: BookingDetails | None = None
    scope: Scope = Scope.ALL
    saved: bool = False
    save_refusals: tuple[Refusal, ...] | None = None
    notices: tuple[str, ...] = field(default=())

    @cached_property
    def request(self) -> BookingRequest | None:
        if not self.form.has_time:
            return None
        of_form = self.form.organizer_id(user_id=self.user.pk)
        organizer_id = self.details.booking.organizer_id if self.details else of_form
        return self.form.to_request(organizer_id=organizer_id, time_zone=self.time_zone)

    @property
    def is_sent(self) -> bool:
        """Say whether the form was sent to be booked, now or before it came back: then every problem is named."""
        return self.saved or bool(self.draft.data.get("sent"))

    @property
    def _changing(self) -> Any:
        return self.details.booking if self.details else None

    @cached_property
    def submission(self) -> UUID | None:
        return read_submission(self.draft.data.get("submission", ""), user_id=self.user.pk)

    def judge(self, request: BookingRequest) -> Assessment:
        return availability.assess(
            request,
            by=self.user,
            now=self.now,
            changing=self._changing,
            scope=self.scope,
            only=self.details.occurrence if self.details and self.scope != Scope.ALL else None,
            draft=self.submission,
        )

    def with_fixes(self, assessment: Assessment, request: BookingRequest) -> list[Refusal]:
        return availability.offer_fixes(assessment, request, by=self.user, now=self.now)

    @cached_property
    def outcome(self) -> Outcome | None:
        """What the series would become; None for a single session, and while the time can't be read."""
        if self.request is None or self.request.series is None:
            return None
        return booking_series.find_outcome(self, self.request)

    @cached_property
    def assessment(self) -> Assessment | None:
        if self.outcome is not None:
            return self.outcome.assessment
        return self.judge(self.request) if self.request is not None else None

    @cached_property
    def refusals(self) -> tuple[Refusal, ...]:
        """The judge's reasons with their ways out; of a series those that no decision on a date can help."""
        if self.save_refusals is not None:
            return self.save_refusals
        if self.request is None or self.assessment is None:
            return tuple(self.form.find_text_refusals())
        if self.outcome is not None:
            found: Sequence[Refusal] = self.outcome.refusals
        else:
            found = self.with_fixes(self.assessment, self.request)
        return tuple(refusal for refusal in found if self.is_sent or refusal.code not in _ONLY_WHEN_SAVED)

    @cached_property
    def looked_at(self) -> BookingRequest | None:
        """The session of the picture: of a series the date chosen there, else the first that needs a decision."""
        request = self.request
        if request is None or self.outcome is None:
            return request
        meetings = {meeting.on.isoformat(): meeting for meeting in self.outcome.usual.meetings}
        undecided = [row.on.isoformat() for row in self.outcome.rows if row.on.isoformat() in meetings]
        wanted = self.draft.data.get("shown", "")
        on = wanted if wanted in meetings else next(iter([*undecided, *meetings]), "")
        meeting = meetings.get(on)
        if meeting is None:
            return None
        room_ids = tuple(room.pk for room in meeting.rooms)
        return replace(request.at(meeting.local_start, meeting.local_end), series=None, room_ids=room_ids)

    @cached_property
    def looked_at_interval(self) -> Interval | None:
        if self.looked_at is None:
            return None
        return find_interval(self.looked_at)[0]

    @cached_property
    def shown_refusals(self) -> tuple[Refusal, ...]:
        """What is told beside the picture: of a series what stands in the way of the date that is looked at.

        The ways out of a date stand beside it in the list of dates.
        """
        if self.outcome is None or self.looked_at is None:
            return self.refusals
        meetings = {
            meeting.on for meeting in self.outcome.usual.meetings if meeting.interval == self.looked_at_interval
        }
        on_date = [replace(item, fixes=()) for item in self.outcome.usual_refusals if item.on in meetings]
        return (*(item for item in self.refusals if item.on is None), *on_date)

    @cached_property
    def problems(self) -> list[Problem]:
        found = [
            Problem(name, str(text))
            for name, texts in self.form.errors.items()
            for text in texts
            if self.is_sent or name in _AT_ONCE
        ]
        shown = self.refusals if self.is_sent else [item for item in self.refusals if item.form_field != "rooms"]
        found += self._series_problems(shown)
        found += [Problem(item.form_field, refusal_text(item)) for item in shown if self._is_named(item)]
        found += booking_behalf.problems(self.draft.lead, Problem)
        found += booking_people.unread_problems(self.draft, Problem)
        order = list(_ANCHORS)
        return sorted(dict.fromkeys(found), key=lambda item: order.index(item.field) if item.field in order else -1)

    def _series_problems(self, refusals: Sequence[Refusal]) -> list[Problem]:
        """Return what is said of the dates as a whole, after the save: which need a decision, and what has changed."""
        if not self.saved or self.outcome is None or self.request is None or self.request.series is None:
            return []
        found = []
        if undecided := [item for item in refusals if item.on is not None and item.code in DECIDABLE]:
            found.append(Problem("dates", booking_series.undecided_words(undecided)))
        if any(item.code == Code.DATES_CHANGED for item in refusals):
            agreed = self.request.series.agreed or frozenset()
            found.append(Problem("dates", booking_series.changed_words(agreed, self.outcome)))
        return found

    def _is_named(self, refusal: Refusal) -> bool:
        """While the form is filled in, clashes are told beside the tracks alone; a date's beside the date."""
        if refusal.code == Code.DATES_CHANGED or (refusal.on is not None and refusal.code in DECIDABLE):
            return False
        return self.is_sent or refusal.code not in {*_ONLY_WHEN_SAVED, *booking_tracks.CLASHES}

    @cached_property
    def errors(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for problem in self.problems:
            found.setdefault(problem.field, []).append(problem.text)
        return found

    @cached_property
    def rooms(self) -> list[Room]:
        return rooms_to_choose(chosen=self.form.room_ids)

    @cached_property
    def chosen(self) -> list[Room]:
        by_id = {room.pk: room for room in self.rooms}
        return [by_id[pk] for pk in self.form.room_ids if pk in by_id]

    @cached_property
    def picture(self) -> Picture | None:
        request, interval = self.looked_at, self.looked_at_interval
        window = booking_tracks.window_around(interval, request) if request and interval else None
        if request is None or interval is None or window is None:
            return None
        return draw(
            request,
            interval,
            window=window,
            room_ids=[room.pk for room in self.rooms],
            people=self.people_count,
            by=self.user,
            now=self.now,
            changing=self._changing,
            draft=self.submission,
            takes=booking_licences.takes_of(self),
        )

    def _room_states(self) -> dict[int, tuple[str, str, str]]:
        if self.outcome is None:
            return booking_rooms.states_in_picture(self.picture, time_zone=self.time_zone)
        taken_on: dict[int, set[date]] = {}
        for refusal in self.outcome.usual_refusals:
            if refusal.code == Code.ROOM_TAKEN and refusal.room_id is not None and refusal.on is not None:
                taken_on.setdefault(refusal.room_id, set()).add(refusal.on)
        return booking_rooms.states_in_series(self._free_in_series, taken_on)

    @cached_property
    def _free_in_series(self) -> list[FreeRoom]:
        if self.outcome is None:
            return []
        spans = [meeting.interval for meeting in self.outcome.usual.meetings]
        return free_rooms(spans, by=self.user, now=self.now, changing=self._changing, draft=self.submission)

    @property
    def people_count(self) -> int:
        return len(self.assessment.invitees) if self.assessment else 1

    @cached_property
    def mailing(self) -> Mailing | None:
        if self.request is None or self.assessment is None or self.assessment.interval is None:
            return None
        if self.details is None:
            return invitations_to(self.assessment)
        return find_mailing(self.details.booking, self.details.occurrence, self.request, self.assessment)

    def context(
        self, *, held: DraftState | None = None, saved_at: datetime | None = None, template_error: str = ""
    ) -> dict[str, Any]:
        """Return what the templates draw. `held`: what the open form holds, where that was asked for.

        `saved_at`: when what is kept of the form as a draft was saved. `template_error`: why no template was saved.
        """
        roles = SiteRoles.of(self.user)
        keeps = {room.pk for room in self.details.rooms} if self.details else set()
        seats = sum(room.seats for room in self.chosen)
        return {
            "draft": self.draft,
            "data": self.draft.data,
            "form": self.form,
            "details": self.details,
            "booking": self.details.booking if self.details else None,
            "is_sent": self.is_sent,
            "notices": self.notices,
            "problems": self.problems if self.is_sent else [],
            "errors": self.errors,
            "when_words": booking_words.when_words(self),
            "sites": booking_rooms.blocks(self.rooms, self.form.room_ids, self._room_states(), roles, keeps),
            "rooms_words": booking_rooms.chosen_words(self.chosen),
            "seats_warning": booking_rooms.seats_warning(self.people_count, seats) if self.chosen else "",
            "aside": booking_tracks.aside(self),
            "summary": booking_words.summary(self),
            "race": booking_tracks.lost_race(self),
            "saved_words": kept_forms.saved_words(saved_at, now=self.now, is_asked=self.draft.verb == "keep"),
            "held_words": booking_words.held_words(self, held),
            "is_kept": saved_at is not None,
            "template_form": self._template_form(template_error),
            "approval_words": booking_words.approval_words(self),
            "wishes": booking_wishes.questions(self),
            **booking_licences.context(self),
            **self._people_context(),
            **self._series_context(),
        }

    def _people_context(self) -> dict[str, Any]:
        known = people_queries.named([entry.key for entry in self.form.entries if entry.kind != "address"])
        return {
            "chips": booking_people.chips(self.form.entries, known),
            "groups": booking_people.quick_groups(self.form.entries),
            "choices": booking_people.choices(self.draft),
            # Of a session that is changed, `mailing_words` says who hears of what.
            "mail_words": booking_people.mail_words(self.assessment.invitees)
            if self.assessment and not self.details
            else "",
            "languages": language_names(),
            "guest_language": self.draft.data.get("guest_language") or "pl",
            "mailing_words": mailing_words(self.mailing) if self.mailing and self.details else "",
            "mailing": summary_of(self),
            "lead": booking_behalf.question(self),
        }

    def _template_form(self, error: str) -> dict[str, object] | None:
        """Return the fields with which a form for a new session is saved as a template; None while one is changed."""
        if self.details is not None:
            return None
        data = self.draft.data
        name, site = data.get("template_name", ""), data.get("template_site", "")
        places = {room.site_id: room.site for room in self.rooms}.values()
        return form_templates.fields_of(self.user, places, name=name, site=site, error=error)

    def _series_context(self) -> dict[str, Any]:
        is_part = self.details is not None and self.scope != Scope.ALL
        return {
            "scope": self.scope,
            "meeting_on": self.details.on(self.details.occurrence).isoformat() if self.details and is_part else "",
            "repeat": booking_repeat.questions(self.form),
            "outcome": self.outcome,
            "swaps": booking_series.find_swaps(self.outcome, self._free_in_series) if self.outcome else [],
        }

    @property
    def checked_at(self) -> str:
        at = booking_tracks.local(self.now, self.time_zone)
        return f"{clock(at)}:{at.second:02d}"
