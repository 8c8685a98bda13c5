"""Mails that came in, kept as they are before anybody looks at them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Attendee, Booking


class InboundMail(models.Model):
    """A mail that came in, once: fetched again, or handed over a second time, it is the same row (`digest`).

    Kept whole before anything is read in it. A worker takes it with a lease, reads it in a process of its own, and
    makes one call of a service in the transaction that says what became of it. What can't be read is parked with its
    reason and holds up nobody.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("to be read")
        READING = "reading", _("being read")
        DONE = "done", _("done")
        # Somebody has to look, and nobody else is told: a letter that belongs to no session.
        SHOWN = "shown", _("for somebody to look at")
        IGNORED = "ignored", _("needs nothing")
        PARKED = "parked", _("can't be read")

    OPEN: ClassVar[list[str]] = [State.WAITING, State.READING]
    #: What IT admins may have read again, or call done.
    TO_LOOK_AT: ClassVar[list[str]] = [State.SHOWN, State.PARKED]

    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    # Of the raw bytes, SHA-256 in hexadecimal.
    digest = models.CharField(max_length=64, unique=True, editable=False)
    raw = models.BinaryField(editable=False)
    size = models.PositiveIntegerField(_("size in bytes"))
    # Where it came from: "imap", "lmtp" or "command", and for LMTP to which addresses.
    source = models.CharField(_("came by"), max_length=10)
    envelope_to = models.JSONField(default=list, blank=True, editable=False)
    received_at = models.DateTimeField(_("received"))

    # As read; empty before.
    message_id = models.CharField("Message-ID", max_length=400, blank=True)
    what = models.CharField(_("kind"), max_length=12, blank=True)
    sender = models.CharField(_("sender"), max_length=254, blank=True)
    subject = models.CharField(_("subject"), max_length=400, blank=True)
    # What a person wrote, or what stands in the answer: shown to whom it is forwarded.
    text = models.TextField(blank=True)
    authentication = models.CharField(max_length=4, blank=True)

    # What became of it: a code (`outcomes.Outcome`, or a room's) and, for IT admins, the reason in plain words.
    outcome = models.CharField(_("outcome"), max_length=30, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    booking = models.ForeignKey(Booking, models.SET_NULL, related_name="inbound_mails", null=True, blank=True)
    attendee = models.ForeignKey(
        Attendee, models.SET_NULL, related_name="inbound_mails", null=True, blank=True, db_index=False
    )
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    handled_at = models.DateTimeField(_("handled"), null=True, blank=True)
    handled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, blank=True)
    # Since when nothing of it is kept but its digest, its kind and its outcome (MAIL_KEPT_DAYS).
    forgotten_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("incoming mail")
        verbose_name_plural = _("incoming mails")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="reading", lease_until__isnull=False) | ~Q(state="reading") & Q(lease_until=None),
                name="inbound_leased_while_read",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "reading"]) | Q(handled_at__isnull=False),
                name="inbound_handled_with_time",
            ),
            models.CheckConstraint(condition=~Q(state="parked") | ~Q(reason=""), name="inbound_parked_with_a_reason"),
            models.CheckConstraint(
                condition=Q(forgotten_at=None) | Q(raw=b"", text="", sender="", subject=""), name="inbound_forgets_all"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="inbound_open", condition=Q(state__in=["waiting", "reading"])),
            models.Index(fields=["message_id"], name="inbound_message_id"),
            # Lists by state, newest first.
            models.Index(fields=["state", "id"], name="inbound_by_state"),
            models.Index(fields=["handled_at"], name="inbound_to_forget", condition=Q(forgotten_at=None)),
            # How much of one sender was passed on today.
            models.Index(fields=["sender", "handled_at"], name="inbound_passed_on", condition=Q(outcome="forwarded")),
        ]

    def __str__(self) -> str:
        return f"{self.what or self.source} {self.sender} {self.subject}"

    @property
    def is_to_look_at(self) -> bool:
        return self.state in self.TO_LOOK_AT

    @property
    def may_be_read_again(self) -> bool:
        return self.is_to_look_at and self.forgotten_at is None
