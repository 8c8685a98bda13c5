"""What incoming mails are and became, in words for IT admins."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.models import Answer
from integrations.mailbox.facts import What
from integrations.mailbox.models import InboundMail
from integrations.mailbox.outcomes import Outcome
from integrations.mailbox.room import Outcome as RoomOutcome

_WHAT: dict[str, str | Promise] = {
    What.REPLY: _("answer to an invitation"),
    What.COUNTER: _("another time proposed"),
    What.REFRESH: _("asks for the invitation"),
    What.REQUEST: _("invitation of a room"),
    What.CANCEL: _("cancellation to a room"),
    What.BOUNCE: _("delivery report"),
    What.ABSENCE: _("automatic answer"),
    What.LOOP: _("our own mail"),
    What.TEXT: _("letter"),
    What.UNUSABLE: _("unusable calendar"),
}
_OUTCOMES: dict[str, str | Promise] = {
    Outcome.PROPOSED: _("shown to the organizer"),
    Outcome.OUTDATED: _("proposal out of date"),
    Outcome.SENT_AGAIN: _("invitation sent again"),
    Outcome.BOUNCED: _("noted as not delivered"),
    Outcome.DELAYED: _("a mail is late"),
    Outcome.FORWARDED: _("passed on to the organizer"),
    Outcome.DUPLICATE: _("came before"),
    Outcome.TOO_MANY: _("too many of this sender"),
    Outcome.UNKNOWN_SESSION: _("belongs to no session"),
    Outcome.UNKNOWN_MAIL: _("about no mail of ours"),
    Outcome.UNKNOWN_SENDER: _("not clear who wrote"),
    Outcome.NO_ROOM: _("no room was asked"),
    Outcome.ABSENCE: _("needs nothing"),
    Outcome.LOOP: _("needs nothing"),
    Outcome.NOT_USABLE: _("calendar part can't be used"),
    Outcome.NOT_CERTAIN: _("not certain who asks"),
    Outcome.UNREADABLE: _("can't be read"),
    Outcome.GIVEN_UP: _("given up"),
    Outcome.BROKEN: _("could not be handled"),
    Outcome.TOO_BIG: _("too big"),
    RoomOutcome.ANSWERED: _("the room has answered"),
    RoomOutcome.REPEATED: _("the room has answered before"),
    RoomOutcome.OLD: _("older than what the room knows"),
    RoomOutcome.CANCELLED: _("the room is free again"),
    RoomOutcome.NOTHING: _("the room holds nothing of it"),
    RoomOutcome.REFUSED: _("the sender was told that they may not"),
    RoomOutcome.SILENT: _("nobody was told anything"),
}
_KINDS: dict[str, str] = {
    InboundMail.State.DONE: "ok",
    InboundMail.State.SHOWN: "warn",
    InboundMail.State.PARKED: "danger",
}


def what_words(mail: InboundMail) -> str:
    return str(_WHAT.get(mail.what, pgettext_lazy("mail", "not read")))


def outcome_words(mail: InboundMail) -> str:
    """Return what became of the mail; empty while nothing has."""
    if mail.outcome.startswith("answer_"):
        standing = mail.outcome.removeprefix("answer_")
        return str(dict(Answer.Standing.choices).get(standing, standing))
    return str(_OUTCOMES.get(mail.outcome, mail.outcome))


def state_kind(mail: InboundMail) -> str:
    """Return the kind of the tag that shows the state."""
    return _KINDS.get(mail.state, "")


def name_of(mail: InboundMail) -> str:
    """Return what the mail goes by in a list."""
    if mail.subject:
        return mail.subject
    if mail.forgotten_at is not None:
        return str(_("forgotten"))
    return str(_("without a subject"))
