"""The office's own text about data protection: the newest version counts, and every version stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import MAX_NOTICE_LENGTH, PrivacyNotice, User
from accounts.preferences import office

LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)


class NotAllowed(Exception):
    """Only IT admins say what the office says."""


class ChangedMeanwhile(Exception):
    """Somebody else has published a version since this one was begun."""


class TooLong(Exception):
    """The text is longer than MAX_NOTICE_LENGTH characters."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says. `notice` None: the built-in text."""

    text: str
    notice: PrivacyNotice | None


def shown(language: str) -> Shown:
    """Return what the page says in this language: the office's text, else the built-in one."""
    notice = newest(language)
    if notice is None or not notice.text:
        return Shown(built_in(language), None)
    return Shown(notice.text, notice)


def newest(language: str) -> PrivacyNotice | None:
    return versions(language).first()


def versions(language: str) -> QuerySet[PrivacyNotice]:
    """Return every version in this language, the newest first."""
    return PrivacyNotice.objects.filter(language=language).select_related("changed_by").order_by("-version")


def built_in(language: str) -> str:
    """Return the text that is shown while the office has none, as somebody would type it."""
    with translation.override(language):
        context = {"office": office(), "days": settings.GUEST_DATA_DAYS, "mail_days": settings.MAIL_KEPT_DAYS}
        return render_to_string("pages/privacy_text.txt", context).strip()


def publish(text: str, *, language: str, seen: int, by: User, now: datetime) -> PrivacyNotice:
    """Publish a text; an empty one brings the built-in text back. The same text again publishes nothing.

    `seen`: the version that the editor began from, 0 where there was none.
    Raises: NotAllowed, ChangedMeanwhile, TooLong; ValueError for a language that there is not.
    """
    if not by.is_it_admin:
        raise NotAllowed
    if language not in LANGUAGES:
        raise ValueError(language)
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if len(text) > MAX_NOTICE_LENGTH:
        raise TooLong
    before = newest(language)
    if (before.version if before else 0) != seen:
        raise ChangedMeanwhile
    if before is not None and before.text == text:
        return before
    try:
        with transaction.atomic():
            return PrivacyNotice.objects.create(
                language=language, version=seen + 1, text=text, changed_by=by, changed_at=now
            )
    except IntegrityError:
        # The version is taken: of two who publish at once one was first.
        raise ChangedMeanwhile
