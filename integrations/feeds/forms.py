"""The form for a new address of a calendar."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from integrations.feeds.models import CalendarFeed
from integrations.feeds.queries import open_to
from rooms.models import Room, Site

_MINE = "mine"


class FeedForm(forms.Form):
    """What the calendar shows, and how much of it. `to` of a valid form: the room, the site, or None, own sessions."""

    what = forms.ChoiceField(label=gettext_lazy("What the calendar shows"))
    detail = forms.ChoiceField(
        label=gettext_lazy("How much it tells"),
        choices=CalendarFeed.Detail.choices,
        initial=CalendarFeed.Detail.TITLES,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "Everything, that is with descriptions and your own join link, is only for your own sessions. Of a closed"
            " session others see only that the room is busy."
        ),
    )
    without_mailed = forms.BooleanField(
        label=gettext_lazy("Leave out what I am invited to by mail"),
        required=False,
        help_text=gettext_lazy(
            "Invitations are in your calendar already, and everything would be there twice. What is left: sessions that"
            " you booked for others, your requests that wait for approval, and meetings whose invitation another"
            " calendar sent. Only of “My sessions”."
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._things: dict[str, Room | Site | None] = {_MINE: None}
        choices: list[tuple[str, Any]] = [(_MINE, _("My sessions"))]
        for site, rooms in open_to(user):
            named = [(f"site-{site.pk}", _("All rooms: %(site)s") % {"site": site.name})]
            named += [(f"room-{room.pk}", room.name) for room in rooms]
            self._things.update({f"site-{site.pk}": site, **{f"room-{room.pk}": room for room in rooms}})
            choices.append((site.name, named))
        field = self.fields["what"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def to(self) -> Room | Site | None:
        return self._things[self.cleaned_data["what"]]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("detail") == CalendarFeed.Detail.FULL and data.get("what", _MINE) != _MINE:
            self.add_error("detail", _("A calendar of rooms can't tell everything. Choose titles or busy times."))
        return data
