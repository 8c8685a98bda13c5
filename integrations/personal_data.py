"""What incoming mail and conferences keep of people without an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.utils.translation import pgettext_lazy

from accounts.any_of import key_of, text_of
from accounts.personal_data import Fact, Item, Keeper, People, Rows, Scope, holds_nobody, keep
from bookings.models import Booking
from bookings.personal_data import about
from integrations.models import InboundMail, LinkUse, Presence

#: In place of the reason of a mail that nobody could read: the database wants one.
_NO_REASON = "Erased."
# Reports and answers of others, where the address stands in them as it is.
_NAMES = """
EXISTS (SELECT FROM unnest(%s::text[]) address WHERE
    position(address IN lower(text || ' ' || subject || ' ' || envelope_to::text)) > 0
    OR position(convert_to(address, 'UTF8') IN raw) > 0)
"""


def _mails_of(people: People) -> QuerySet[InboundMail]:
    kept = InboundMail.objects.filter(forgotten_at=None).exclude(state__in=InboundMail.OPEN)
    addresses = sorted(people.addresses)
    named = RawSQL(_NAMES, [addresses])  # noqa: S611  a constant, and values apart
    filed = kept.filter(key_of("booking_id", people.bookings)).alias(is_named=named).filter(is_named=True)
    return kept.filter(_is_by(people) | Q(pk__in=filed.values("pk")))


def _is_by(people: People) -> Q:
    return Q(text_of("sender", people.addresses)) | Q(key_of("attendee_id", people.attendees))


def _show_mails(people: People) -> Sequence[Item]:
    mails = _mails_of(people).filter(_is_by(people))
    return [
        Item(
            about=about(item.booking) if item.booking else "",
            at=item.received_at,
            facts=(
                Fact("sender", pgettext_lazy("personal data", "sent by"), item.sender),
                Fact("text", pgettext_lazy("personal data", "text"), item.text),
            ),
        )
        for item in mails.select_related("booking").defer("raw").order_by("-received_at")
    ]


def _mails(people: People, scope: Scope) -> Sequence[Rows]:
    return [Rows(_mails_of(people), partial(_forget, now=people.now))]


def _late(now: datetime) -> Sequence[Rows]:
    kept = InboundMail.objects.filter(forgotten_at=None).exclude(state__in=InboundMail.OPEN)
    return [Rows(kept.filter(attendee__erased_at__isnull=False), partial(_forget, now=now))]


def _forget(mails: QuerySet[InboundMail], *, now: datetime) -> None:
    reason = Case(When(reason="", then=Value("")), default=Value(_NO_REASON))
    mails.update(
        raw=b"", text="", subject="", sender="", message_id="", envelope_to=[], reason=reason, forgotten_at=now
    )


def _show_attendance(people: People) -> Sequence[Item]:
    stays = Presence.objects.filter(key_of("attendee_id", people.attendees), is_breakout=False)
    found = stays.select_related("conference__occurrence__booking").order_by("-joined_at")
    return [
        Item(
            about=_session(item.conference.occurrence.booking if item.conference.occurrence else None),
            at=item.joined_at,
            facts=(
                Fact("from", pgettext_lazy("personal data", "in the conference from"), _moment(item.joined_at)),
                Fact("until", pgettext_lazy("personal data", "until"), _moment(item.left_at)),
            ),
        )
        for item in found
    ]


def _session(booking: Booking | None) -> str:
    return about(booking) if booking else ""


def _moment(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _attendance(people: People, scope: Scope) -> Sequence[Rows]:
    """How long somebody was there stays, as nobody's; from where their link was used does not."""
    uses = LinkUse.objects.filter(key_of("attendee_id", people.attendees))
    return [Rows(uses, lambda rows: rows.delete())]


def _late_uses(now: datetime) -> Sequence[Rows]:
    """Whoever asks on their page has their data erased, and has just sent something by their link."""
    return [Rows(LinkUse.objects.filter(attendee__erased_at__isnull=False), lambda rows: rows.delete())]


MAILS_IN = Keeper(
    code="mails_from_you",
    name=pgettext_lazy("personal data", "Mails that came in"),
    fields={
        "integrations.InboundMail": ("raw", "sender", "subject", "text", "envelope_to", "message_id", "reason"),
    },
    show=_show_mails,
    rows=_mails,
    late=_late,
)
ATTENDANCE = Keeper(
    code="attendance",
    name=pgettext_lazy("personal data", "Presence in conferences"),
    fields={"integrations.LinkUse": ("link", "place")},
    show=_show_attendance,
    rows=_attendance,
    late=_late_uses,
)

_FIELDS = {
    "Of the office's servers, keys, numbers, recorders and the systems that it tells.": (
        "ConferenceServer.name ConferenceServer.url ConferenceServer.xmpp_domain "
        "ConferenceServer.muc_domain ConferenceServer.algorithm ConferenceServer.control_url "
        "ConferenceServer.jicofo_url ConferenceServer.jvb_urls ConferenceServer.jibri_urls "
        "ConferenceServer.stun_address ServerHealth.state ServerHealth.parts DialInNumber.number "
        "DialInNumber.formatted DialInNumber.country_code DialInNumber.label DialInNumber.label_en "
        "SigningKey.purpose SigningKey.kid SigningKey.kid_digest SigningKey.public_pem SigningKey.private "
        "Recorder.jibri_id Recorder.state Recorder.session_id Webhook.name Webhook.url Webhook.events "
        "Webhook.shape Webhook.language Webhook.stopped_why"
    ),
    "Of a conference, not of who is in it.": (
        "Conference.name Conference.key Conference.closed_by DialInPin.pin Recording.session_id Recording.file_name "
        "Recording.sha256"
    ),
    "Random addresses of connections, forgotten a day after the conference (`attendance.forget_addresses`).": (
        "Conference.asked_by Presence.occupant_jid"
    ),
    "A keyed digest, forgotten within the hour (`dial_in_tries.forget_old`).": "DialInTry.key",
    "Of people with an account.": "CalendarFeed.detail CalendarFeed.key",
    "Codes, and a digest by which the same mail is known again.": (
        "InboundMail.state InboundMail.digest InboundMail.source InboundMail.what InboundMail.authentication "
        "InboundMail.outcome"
    ),
}


def register() -> None:
    keep(ATTENDANCE, MAILS_IN)
    for why, names in _FIELDS.items():
        holds_nobody(why, *(f"integrations.{name}" for name in names.split()))
