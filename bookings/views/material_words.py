"""Says why a file or note is not taken, and what helps."""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from bookings.file_types import MAX_NAME_LENGTH, Fault
from bookings.models import MAX_MATERIALS, MAX_NOTE_LENGTH
from bookings.services import MaterialRefused, largest_file

#: Of what the refusal is: the field of the form beside which it is said; empty for the whole form.
FIELDS = {Fault.NO_NAME: "name", "name_too_long": "name", "no_text": "text", "text_too_long": "text"}
_EXTENSION_SHOWN = 12


def refusal_words(refused: MaterialRefused) -> str:
    say = {
        Fault.NO_NAME: _("This needs a name that can be shown. Rename the file, or give the note a title."),
        Fault.EMPTY: _("This file is empty. Save it again in the program that made it, then choose it anew."),
        Fault.MACROS: _("This document contains macros, which may carry viruses. Save it without them, or as a PDF."),
        "no_text": _("Write what participants should read."),
        "name_too_long": _("The title has more than %(count)d characters. Shorten it.") % {"count": MAX_NAME_LENGTH},
        "text_too_long": _("The text has more than %(count)d characters. Shorten it, or add it as a file.")
        % {"count": MAX_NOTE_LENGTH},
        "too_many": _("The session has %(count)d files and notes already. Remove one first.")
        % {"count": MAX_MATERIALS},
        "too_large": too_large_words(),
        "changed_meanwhile": _(
            "Somebody has changed this note since you opened it. It now reads as shown below; what you typed is still "
            "here. Save to put yours in its place."
        ),
    }
    return say.get(refused.why) or _type_words(refused)


def too_large_words() -> str:
    words = _(
        "The file is larger than %(size)s. Make it smaller, for example by saving it as a PDF with smaller images."
    )
    return words % {"size": filesizeformat(largest_file())}


def _type_words(refused: MaterialRefused) -> str:
    if refused.why == Fault.CONTENT:
        words = _(
            "What is in this file is not what its name says (.%(extension)s), or it is protected by a password. Save "
            "it again in the program that made it, then choose it anew."
        )
        return words % {"extension": refused.extension}
    if not refused.extension:
        return _("This file has no extension such as .pdf in its name, so nobody could open it. Rename it.")
    words = _("Files of the type .%(extension)s are not taken. Save it as a PDF, or as another type named above.")
    return words % {"extension": refused.extension[:_EXTENSION_SHOWN]}
