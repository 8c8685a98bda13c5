"""The outbox: one row for each mail that has to reach one person, until a mail server has taken it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import MAX_EMAIL_LENGTH
from bookings.models import Attendee, Booking, Occurrence
from integrations.webhooks.models import Webhook
from notifications.models.routes import MailRoute
from notifications.models.sealed import SealedBytes
from notifications.models.shapes import FITS_ITS_KIND, FITS_ITS_STATE, IS_ADDRESSED

MAX_SUBJECT_LENGTH = 400


class Message(models.Model):
    """A mail to one participant, to a user about what no calendar hears of, or to somebody about their account.

    Invitation, update and cancellation are iTIP mails: one for each version of the booking that this person is told
    of. With an occurrence they are about that one meeting of a series (calendar-mail.md D4, D5, D8), else about all of
    it. A reminder belongs to one start of one meeting: moved, the meeting has another start and is due again.
    A notice tells a user, and is written when it is sent, from what is true then.
    A mail about an account belongs to no session and holds a link that opens the account: it is written when it is
    queued, and its bytes are forgotten as soon as it is dealt with.
    What is computed by the clock (a nudge, the overview of a day or a week, an alarm) has a name in `once`, so that
    however often it is computed it is sent once.
    A call of a webhook goes the same way: it is no mail, but it has to arrive like one.
    """

    class Kind(models.TextChoices):
        INVITATION = "invitation", _("invitation")
        UPDATE = "update", pgettext_lazy("mail", "change")
        CANCELLATION = "cancellation", _("cancellation")
        REMINDER = "reminder", _("reminder")
        NOTICE = "notice", pgettext_lazy("mail", "notice")
        ACCOUNT = "account", pgettext_lazy("mail", "about the account")
        # DECLINECOUNTER, to who proposed another time; `data` names the proposal.
        COUNTER = "counter", pgettext_lazy("mail", "answer to a proposal")
        # A room's answer to a meeting of another calendar; composed when queued, `data` says what it answers.
        ROOM_ANSWER = "room_answer", pgettext_lazy("mail", "answer of a room")
        # Asks once more whoever was invited and has not answered.
        NUDGE = "nudge", pgettext_lazy("mail", "request for an answer")
        # To an organizer, of the sessions of one day. `data`: {"day": "2026-12-01"}.
        SUMMARY = "summary", pgettext_lazy("mail", "overview of a day")
        # To a manager of a site, of one week. `data`: {"site": key, "monday": "2026-11-30"}.
        DIGEST = "digest", pgettext_lazy("mail", "overview of a week")
        # To an IT admin. `data`: {"alarm": key, "is_over": false}.
        ALARM = "alarm", pgettext_lazy("mail", "alarm")
        # A call to another system. `topic` is the type of the event, `data`: {"event": key of the BookingEvent, and of
        # the last try "answer": {"status": 200, "ms": 120}}. `recipient` is "webhook-<key>@<host>": its line and its
        # pace are those of an address.
        WEBHOOK = "webhook", pgettext_lazy("outbox", "webhook")

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("mail", "waiting")
        SENDING = "sending", pgettext_lazy("mail", "being sent")
        SENT = "sent", pgettext_lazy("mail", "sent")
        RETRYING = "retrying", pgettext_lazy("mail", "to be tried again")
        FAILED = "failed", pgettext_lazy("mail", "not delivered")
        SUPERSEDED = "superseded", pgettext_lazy("mail", "no longer needed")

    class Priority(models.IntegerChoices):
        """What leaves first of what is due. Nothing of a lower one waits for a higher one that is not due."""

        #: Cancellations, what is about a meeting of the next hours, links for accounts, alarms.
        URGENT = 0, pgettext_lazy("priority of mail", "urgent")
        NORMAL = 1, pgettext_lazy("priority of mail", "usual")
        #: Overviews, and what asks the silent.
        BULK = 2, pgettext_lazy("priority of mail", "can wait")

    #: Notices, and what is written like one: for a user, from what is true when it is sent.
    WRITTEN_FOR_USERS: ClassVar[list[str]] = [Kind.NOTICE, Kind.SUMMARY, Kind.DIGEST, Kind.ALARM]
    ITIP: ClassVar[list[str]] = [Kind.INVITATION, Kind.UPDATE, Kind.CANCELLATION]

    # Still to be dealt with. The partial indexes below repeat these sets word for word.
    WAITING: ClassVar[list[str]] = [State.QUEUED, State.RETRYING]
    UNFINISHED: ClassVar[list[str]] = [State.QUEUED, State.RETRYING, State.SENDING]

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    booking = models.ForeignKey(
        Booking, models.CASCADE, related_name="messages", null=True, blank=True, verbose_name=_("session")
    )
    attendee = models.ForeignKey(
        Attendee,
        models.CASCADE,
        related_name="messages",
        null=True,
        blank=True,
        db_index=False,
        verbose_name=_("participant"),
    )
    # The address as it was when the mail was queued; mails to one address about one booking never overtake each other.
    recipient = models.EmailField(_("recipient"), max_length=MAX_EMAIL_LENGTH)

    # iTIP mails: the version and SEQUENCE that the booking had after the change they tell of.
    version = models.PositiveIntegerField(null=True, blank=True)
    sequence = models.PositiveIntegerField("SEQUENCE", null=True, blank=True)
    # What has to be said to this address of another session first: of the series that this one continues (D7).
    waits_for = models.ForeignKey(
        Booking, models.CASCADE, related_name="+", null=True, blank=True, db_index=False, editable=False
    )
    # Reminders, and iTIP mails about one meeting of a series: which.
    occurrence = models.ForeignKey(
        Occurrence, models.CASCADE, related_name="messages", null=True, blank=True, verbose_name=_("meeting")
    )
    # iTIP mails about one meeting: the RECURRENCE-ID by which the recipient's calendar knows it, or will.
    recurrence_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Reminders: which start, and how long before.
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    lead = models.DurationField(_("how long before"), null=True, blank=True)

    # Notices: who is told, of what (`bookings.events.Topic`), and the rows that it is about.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", null=True, blank=True, db_index=False
    )
    topic = models.CharField(max_length=30, blank=True, default="", db_default="", editable=False)
    data = models.JSONField(null=True, blank=True, editable=False)

    # Of webhooks: where to.
    webhook = models.ForeignKey(
        Webhook, models.CASCADE, related_name="calls", null=True, blank=True, db_index=False, verbose_name=_("webhook")
    )
    # What makes computed mail one: "nudge:<attendee>:<asked SEQUENCE>", "summary:<user>:<day>",
    # "digest:<user>:<site>:<monday>", "alarm:<key>:<user>:<which time>".
    once = models.CharField(max_length=120, null=True, blank=True, editable=False)

    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority.choices, default=Priority.NORMAL, db_default=Priority.NORMAL
    )
    due_at = models.DateTimeField(_("due"))
    # The turn that the row was given among all that goes to its domain, and counted for already (`pacing`).
    slot_at = models.DateTimeField(null=True, blank=True, editable=False)
    # No further try after this: two days of trying, the start that a reminder is for, a day for an account's link.
    give_up_at = models.DateTimeField(editable=False)
    # While `sending`: until when the worker that took the row owns it. Its exact value is the worker's ticket.
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    # While `sending`: when the try began that is not known to have ended. Before that nothing was said to a server.
    begun_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # Tries of which nobody knows how they ended: the worker died, or the connection broke, after the mail was under
    # way. Each may be one more copy at the recipient's, byte for byte the same (docs/operations.md).
    doubts = models.PositiveSmallIntegerField(_("may have arrived more often"), default=0, db_default=0)
    # Which of our servers took it.
    route = models.CharField(
        _("mail server"), max_length=6, choices=MailRoute.Name.choices, blank=True, default="", db_default=""
    )
    # True from just before the first try that isn't known to have been refused: who may have an invitation in the
    # calendar has to get the cancellation; who never had one must not (calendar-mail.md F4).
    may_have_arrived = models.BooleanField(default=False, editable=False)
    # As composed, kept before the first try, so that every retry repeats the same bytes (calendar-mail.md E7). Those of
    # a mail about an account are gone once it is sent, failed or superseded: no link outlives its mail in here. Sealed,
    # since personal addresses stand in them.
    message_id = models.CharField("Message-ID", max_length=400, blank=True)
    subject = models.CharField(_("subject"), max_length=MAX_SUBJECT_LENGTH, blank=True)
    raw = SealedBytes(null=True, blank=True, editable=False)
    last_error = models.TextField(_("the server's answer"), blank=True)
    # A report came later that it could not be delivered: it failed after all, with the words of that server.
    bounced_at = models.DateTimeField(_("came back"), null=True, blank=True)
    created_at = models.DateTimeField(_("written"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        constraints = [
            models.UniqueConstraint(
                fields=["attendee", "version", "occurrence", "recurrence_at"],
                condition=Q(kind__in=["invitation", "update", "cancellation"]),
                name="message_once_per_version",
                nulls_distinct=False,
            ),
            # Rows without an occurrence don't clash here: NULLs are distinct.
            models.UniqueConstraint(
                fields=["attendee", "occurrence", "starts_at", "lead"], name="message_reminds_once_per_start"
            ),
            models.CheckConstraint(condition=FITS_ITS_KIND, name="message_kind"),
            models.CheckConstraint(condition=IS_ADDRESSED, name="message_addressed"),
            models.CheckConstraint(condition=Q(webhook=None) | Q(kind="webhook"), name="message_webhook"),
            # Most rows have none, and need not be in its index: each is written three times.
            models.UniqueConstraint(fields=["once"], condition=Q(once__isnull=False), name="message_once"),
            models.CheckConstraint(
                condition=Q(once__isnull=False) | ~Q(kind__in=["nudge", "summary", "digest", "alarm"]),
                name="message_computed_once",
            ),
            models.CheckConstraint(condition=Q(priority__lte=2), name="message_priority"),
            models.CheckConstraint(condition=FITS_ITS_STATE, name="message_state"),
        ]
        # Finding what is due costs the same after a year of history: only unfinished rows are in these.
        indexes = [
            models.Index(
                fields=["priority", "due_at", "id"], name="message_due", condition=Q(state__in=["queued", "retrying"])
            ),
            models.Index(fields=["lease_until"], name="message_leased", condition=Q(state="sending")),
            # Calls of webhooks have a lane of their own: however much mail is due, they are found beside it.
            models.Index(
                fields=["priority", "due_at", "id"],
                name="message_call_due",
                condition=Q(kind="webhook", state__in=["queued", "retrying"]),
            ),
            # Whether something was written by a clock that has been set back since (`clock`).
            models.Index(fields=["created_at"], name="message_written", condition=Q(state__in=["queued", "retrying"])),
            models.Index(
                "booking",
                Lower("recipient"),
                "id",
                name="message_line",
                condition=Q(state__in=["queued", "retrying", "sending"]),
            ),
            models.Index(fields=["id"], name="message_failed", condition=Q(state="failed")),
            # How much was sent lately, and what may have arrived twice: asked every minute, whatever history there is.
            models.Index(fields=["sent_at"], name="message_sent", condition=Q(state="sent")),
            models.Index(fields=["id"], name="message_doubted", condition=Q(doubts__gt=0)),
            # Which mail it is that somebody answers, or that came back.
            models.Index(fields=["message_id"], name="message_by_id", condition=~Q(message_id="")),
            models.Index(fields=["webhook", "-id"], name="message_of_webhook", condition=Q(webhook__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.recipient}"

    @property
    def is_reminder(self) -> bool:
        return self.kind == self.Kind.REMINDER

    @property
    def headline(self) -> str:
        """What the mail goes by: its subject, and until it has one the session's title."""
        if self.kind == self.Kind.WEBHOOK and not self.subject:
            return f"{Webhook.Event(self.topic).label}: {self.booking.number if self.booking else ''}"
        return self.subject or (self.booking.title if self.booking else self.get_kind_display())

    @property
    def addressee(self) -> str:
        """Who gets it, as people know them: the address, or the name of the system that is called."""
        return self.webhook.name if self.webhook else self.recipient

    @property
    def is_notice(self) -> bool:
        """Say whether it is written for a user, from what is true when it is sent."""
        return self.kind in self.WRITTEN_FOR_USERS

    @property
    def is_about_account(self) -> bool:
        return self.kind == self.Kind.ACCOUNT
