"""What an organizer is told of mail about a session: somebody wrote to its address, or could not be reached."""

from __future__ import annotations

from urllib.parse import quote

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings import wording
from integrations.mailbox.models import InboundMail
from notifications.compose.notice_parts import Row, Told, facts_of, page_of
from notifications.models import Message

#: Characters of a stranger's text that go into our mail, and paragraphs.
MAX_TEXT = 4_000
MAX_PARAGRAPHS = 60


def written(row: Row) -> Told:
    """Pass on what somebody wrote: as text, with who and when before it and where to answer after it."""
    mail = InboundMail.objects.defer("raw").get(pk=row.key("mail"))
    at = mail.received_at.astimezone(row.zone)
    values = {
        "sender": mail.sender,
        "when": f"{wording.short_date(at.date())}, {wording.clock(at)}",
        "subject": mail.subject,
    }
    return Told(
        kicker=_("Somebody wrote to you about the session"),
        title=row.booking.title,
        facts=facts_of(row.booking, row),
        paragraphs=(
            _("%(sender)s wrote on %(when)s, under the subject “%(subject)s”:") % values,
            *_text_of(mail),
            _doubt(mail),
            _("Attachments are not passed on; IT has the whole mail.")
            + " "
            + _("Your answer goes to %(sender)s.") % values,
        ),
        button=_("Answer by mail"),
        url=f"mailto:{quote(mail.sender, safe='@')}?subject={quote(_answer_subject(mail.subject))}",
        reply_to=mail.sender,
    )


def undeliverable(row: Row) -> Told:
    message = Message.objects.select_related("attendee").defer("raw").get(pk=row.key("message"))
    name = message.attendee.label if message.attendee else message.recipient
    values = {"name": name, "email": message.recipient}
    said = pgettext("a mail server's words", "The mail server says: “%(words)s”") % {"words": message.last_error[:500]}
    return Told(
        kicker=_("A participant can't be reached"),
        title=row.booking.title,
        facts=facts_of(row.booking, row),
        paragraphs=(
            _("a mail about this session to %(name)s (%(email)s) came back.") % values
            if name != message.recipient
            else _("a mail about this session to %(email)s came back.") % values,
            said,
            _("Please check the address, or call. What changes meanwhile does not reach this person."),
        ),
        button=_("Open the session"),
        url=page_of(row.booking),
    )


def _text_of(mail: InboundMail) -> list[str]:
    text = mail.text if len(mail.text) <= MAX_TEXT else mail.text[: MAX_TEXT - 1].rstrip() + "…"
    blocks = [block.strip() for block in text.replace("\r\n", "\n").split("\n\n") if block.strip()]
    if not blocks:
        return [_("There is no text in it that can be shown here.")]
    return [*blocks[:MAX_PARAGRAPHS], *(["…"] if len(blocks) > MAX_PARAGRAPHS else [])]


def _doubt(mail: InboundMail) -> str:
    if mail.authentication == "pass":
        return ""
    return _("It is not certain that this sender wrote it; ask before you do what it says.")


def _answer_subject(subject: str) -> str:
    return subject if subject.lower().startswith(("re:", "odp:")) else f"Re: {subject}"
