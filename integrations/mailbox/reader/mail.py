"""Reads a mail that came in (calendar-mail.md G, H10, H11). Pure: bytes in, facts out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from integrations.mailbox import limits
from integrations.mailbox.facts import ReadMail, What
from integrations.mailbox.reader import addresses, plain
from integrations.mailbox.reader.authentication import authentication
from integrations.mailbox.reader.bounces import read_report
from integrations.mailbox.reader.calendars import Found, find_parts, read_calendar
from integrations.mailbox.reader.kinds import by_a_program
from integrations.mailbox.reader.shape import Mail, Part, split_mail

# Forms that hold a letter, or an answer, which nothing here can open.
_SEALED = {
    "application/ms-tnef": "it holds a part that only Outlook can read (winmail.dat)",
    "application/pkcs7-mime": "it is encrypted, or signed so that it can't be read (S/MIME)",
    "application/x-pkcs7-mime": "it is encrypted, or signed so that it can't be read (S/MIME)",
    "multipart/encrypted": "it is encrypted",
}


@dataclass(frozen=True, slots=True)
class _Told:
    """What the mail is, and why it is that."""

    what: What
    reason: str = ""
    found: Found | None = None


def read_mail(raw: bytes, *, own_addresses: Collection[str], auth_server: str) -> ReadMail:
    """Return what stands in a mail. May be slow on hostile input: mails of strangers are read by `Reader`.

    `own_addresses`: of the service and its rooms; a mail from one of them is a LOOP. `auth_server`: the name that our
    mail server puts into its Authentication-Results; empty where there is none, and then nobody is authenticated.
    Raises: Unreadable.
    """
    mail = split_mail(raw)
    headers = mail.whole.headers
    sender, why_nobody = addresses.sender(headers)
    parts = [part for part in mail.whole.walk() if not part.parts]
    read = ReadMail(
        what=What.TEXT,
        message_id=next(iter(headers.message_ids("message-id")), ""),
        sender=sender,
        recipients=addresses.mailboxes(headers, "to", "cc", "delivered-to", "x-original-to"),
        subject=headers.decoded("subject", limits.MAX_SUBJECT),
        sent_at=headers.date(),
        authentication=authentication(headers, sender=sender.email if sender else "", auth_server=auth_server),
        references=headers.message_ids("references", "in-reply-to"),
        text=plain.text_of([part for part in parts if not part.headers.is_attachment]),
    )
    own = {address.lower() for address in own_addresses}
    if sender is not None and sender.email in own:
        return replace(read, what=What.LOOP, reason="it comes from an address of our own")
    report = read_report(mail.whole)
    if report is not None and report.bounces:
        return replace(read, what=What.BOUNCE, bounces=report.bounces)
    if report is not None and report.is_delivery:
        return replace(read, what=What.ABSENCE, reason="it only reports that a mail arrived, or was passed on")
    told = _tell(mail, parts)
    return replace(
        read,
        what=told.what,
        reason="; ".join(words for words in (told.reason, why_nobody) if words),
        calendar=told.found.calendar if told.found else None,
    )


def _tell(mail: Mail, parts: list[Part]) -> _Told:
    found = _find_calendar(mail, parts)
    if found is not None and not found.reason and found.calendar is not None:
        return _Told(What(found.calendar.method.lower()), found=found)
    if found is not None and not found.is_aside:
        return _Told(What.UNUSABLE, found.reason, found)
    if words := by_a_program(mail.whole.headers):
        return _Told(What.ABSENCE, words)
    if found is not None:
        return _Told(What.TEXT, f"an attached calendar was left aside: {found.reason}")
    sealed = [_SEALED[part.kind] for part in mail.whole.walk() if part.kind in _SEALED]
    return _Told(What.TEXT, sealed[0] if sealed else "")


def _find_calendar(mail: Mail, parts: list[Part]) -> Found | None:
    calendars = find_parts(parts)
    if not calendars:
        return None
    if mail.count > limits.MAX_PARTS:
        return Found(None, f"it has more than {limits.MAX_PARTS} parts, so its calendar part was not read")
    # Attachments are stepped over, whatever their size.
    to_read = sum(part.size for part in parts if part in calendars or part.kind.startswith("text/"))
    if to_read > limits.MAX_READ:
        return Found(None, f"it is bigger than {limits.MAX_READ // 1_000_000} MB, so its calendar part was not read")
    return read_calendar(calendars)
