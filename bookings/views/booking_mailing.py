"""Says before a form is sent who will get which mail, in which language and when, and what is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.mailing import Mailing, Recipient
from bookings.views.booking_people import in_language_words
from bookings.wording import interval_range

if TYPE_CHECKING:
    from bookings.views.booking_page import Page


@dataclass(frozen=True, slots=True)
class Group:
    """Those who get the same mail. `when`: from when on it leaves."""

    title: str
    count: str
    names: str
    when: str


@dataclass(frozen=True, slots=True)
class Summary:
    """`line`: all of it in a few words; `rooms`: what is taken, room by room."""

    line: str
    groups: tuple[Group, ...]
    rooms: tuple[str, ...]


def summary_of(page: Page) -> Summary:
    """Return what sending the form as it stands would send and take; nothing at all while its times are refused."""
    mailing = page.mailing
    if mailing is None:
        return Summary(_("once there is a day and a time"), (), ())
    if mailing.is_empty:
        return Summary(_("nobody, since nothing is changed"), (), ())
    groups = tuple(_groups(page, mailing))
    line = ", ".join(f"{group.title[:1].lower()}{group.title[1:]}: {group.count}" for group in groups)
    return Summary(line, groups, tuple(_rooms(page)))


def _groups(page: Page, mailing: Mailing) -> Iterator[Group]:
    waits = pgettext("when mails leave", "after approval") if _awaits_approval(page) else ""
    for title, people, when in (
        (lambda: _("Invitation %(in_language)s"), mailing.invited, _("at once")),
        (lambda: _("Notice of the change %(in_language)s"), mailing.updated, _soon()),
        (lambda: _("Cancellation %(in_language)s"), mailing.cancelled, _("at once")),
    ):
        yield from _by_language(title, people, waits or when)


def _by_language(title: Callable[[], str], people: Sequence[Recipient], when: str) -> Iterator[Group]:
    languages: dict[str, list[Recipient]] = {}
    for person in people:
        languages.setdefault(person.language, []).append(person)
    for language, readers in sorted(languages.items(), key=lambda item: (-len(item[1]), item[0])):
        count = ngettext("%(count)d person", "%(count)d people", len(readers)) % {"count": len(readers)}
        names = ", ".join(_name(person) for person in readers)
        yield Group(title() % {"in_language": in_language_words(language)}, count, names, when)


def _name(person: Recipient) -> str:
    return _("%(name)s (organiser)") % {"name": person.name} if person.is_organizer else person.name


def _awaits_approval(page: Page) -> bool:
    if page.details is not None:
        return page.details.booking.is_requested
    return bool(page.assessment and page.assessment.needs_approval)


def _soon() -> str:
    """Say when news of a change leave: they wait a while for more of the kind (`notifications.pace`)."""
    minutes = -(-settings.MAIL_COALESCE_SECONDS // 60)
    if not minutes:
        return _("at once")
    return ngettext("within %(count)d minute", "within %(count)d minutes", minutes) % {"count": minutes}


def _rooms(page: Page) -> Iterator[str]:
    """Say of each room from when to when it is taken, with the time to set it up and to clear it."""
    meeting = page.assessment.meetings[0] if page.assessment and page.assessment.meetings else None
    if meeting is None or page.outcome is not None:
        # Of a series the bar says when; what is set up before each date would take a list of its own.
        yield from (room.name for room in page.chosen)
        return
    for room in meeting.rooms:
        held = meeting.interval.widened(before=room.setup, after=room.clearing)
        yield f"{room.name}, {interval_range(held, room.site.zone)}"


def mailing_words(mailing: Mailing) -> str:
    """Say who will be told: „16 osób dostanie zmianę, 1 zaproszenie, 2 odwołanie.”"""
    if mailing.is_empty:
        return _("Nothing has been changed yet.")
    parts: Sequence[str] = [
        ngettext(
            "%(count)d person will be told of the change",
            "%(count)d people will be told of the change",
            mailing.updates,
        )
        % {"count": mailing.updates}
        if mailing.updates
        else "",
        ngettext("%(count)d person will be invited", "%(count)d people will be invited", mailing.invitations)
        % {"count": mailing.invitations}
        if mailing.invitations
        else "",
        ngettext(
            "%(count)d person will get a cancellation",
            "%(count)d people will get a cancellation",
            mailing.cancellations,
        )
        % {"count": mailing.cancellations}
        if mailing.cancellations
        else "",
    ]
    return ", ".join(filter(None, parts)) + "."
