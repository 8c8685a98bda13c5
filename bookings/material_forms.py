"""The forms with which files and notes for participants are added and changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.file_types import EXTENSIONS, MAX_NAME_LENGTH
from bookings.models import MAX_NOTE_LENGTH
from bookings.services import largest_file


class _ForMeeting(forms.Form):
    """`meeting`: the one of a series that it may be for alone, in words; empty where there is no choice."""

    only_meeting = forms.BooleanField(required=False)

    def __init__(self, *args: Any, meeting: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields([*(name for name in self.fields if name != "only_meeting"), "only_meeting"])
        if meeting:
            label = _("Only for the meeting on %(day)s, not for the whole series") % {"day": meeting}
            self.fields["only_meeting"].label = label
        else:
            del self.fields["only_meeting"]

    @property
    def is_for_meeting(self) -> bool:
        return bool(self.cleaned_data.get("only_meeting"))


class NoteForm(_ForMeeting):
    name = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=MAX_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Give the note a title, such as “Please bring”.")},
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=MAX_NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_lazy("Plain text. Line breaks stay, and addresses that begin with https:// become links."),
        error_messages={"required": gettext_lazy("Write what participants should read.")},
    )


class ChangeNoteForm(NoteForm):
    """`seen`: of the words that stood in the form when it was opened."""

    seen = forms.DateTimeField(widget=forms.HiddenInput)


class FileForm(_ForMeeting):
    """What a file may be is said by `services.add_file`; one that was too large has not come (`views.uploads`)."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ",".join(f".{extension}" for extension in EXTENSIONS)}),
        error_messages={"required": gettext_lazy("Choose a file first.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = _(
            "PDF, Word, Excel, PowerPoint, LibreOffice, PNG, JPEG, TXT or CSV, up to %(size)s. Documents with macros "
            "are not taken."
        )
        self.fields["file"].help_text = words % {"size": filesizeformat(largest_file())}
