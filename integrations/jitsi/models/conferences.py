"""What goes on in conferences: which server has them, when they were open, who was in them."""

from __future__ import annotations

import base64
import secrets

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Attendee, Occurrence, UnplannedConference
from integrations.jitsi.models.servers import ConferenceServer


def new_conference_key() -> str:
    """Return what a server calls one opening of a conference: always text, since numbers come back changed (P4)."""
    return "c" + base64.b32encode(secrets.token_bytes(13))[:20].decode().lower()


class ServerAssignment(models.Model):
    """Which server a meeting takes place on. Made when it comes near; as links are ours, it may change until then."""

    occurrence = models.OneToOneField(Occurrence, models.CASCADE, related_name="server_assignment", primary_key=True)
    server = models.ForeignKey(ConferenceServer, models.CASCADE, related_name="assignments")
    assigned_at = models.DateTimeField()
    # How many people are planned, organizer included: what the server is to carry.
    people = models.PositiveIntegerField()
    moved_from = models.ForeignKey(ConferenceServer, models.SET_NULL, related_name="+", null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    # When the organizer came to the door first: from then on the conference may be opened before others may come.
    organizer_came_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.occurrence_id} on {self.server_id}"


class Conference(models.Model):
    """One opening of a conference on a server: from the first who asked to the last who left.

    It is of a meeting, unplanned (admitted into a free licence), or neither: not known to us, only seen.
    """

    class Closed(models.TextChoices):
        LEFT = "left", _("everybody left")
        ENDED = "ended", _("ended by us")
        #: The server no longer has it, and never said so.
        VANISHED = "vanished", _("no longer there")
        REPLACED = "replaced", _("opened anew")

    server = models.ForeignKey(ConferenceServer, models.PROTECT, related_name="conferences")
    # The node of the room's address, as the server has it: lower case, percent-encoded.
    name = models.CharField(max_length=1000)
    key = models.CharField(max_length=30, unique=True, default=new_conference_key)
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="conferences", null=True, blank=True)
    unplanned = models.ForeignKey(
        UnplannedConference, models.CASCADE, related_name="conferences", null=True, blank=True
    )
    # The connection that asked first: a random address, told again by a request that is repeated.
    asked_by = models.CharField(max_length=300, blank=True)
    # When the server asked for it, or when we first saw it.
    opened_at = models.DateTimeField()
    # What the server was told: when it closes the conference by itself. None where it never asked.
    promised_until = models.DateTimeField(null=True, blank=True)
    max_occupants = models.PositiveIntegerField(null=True, blank=True)
    # As the server says it was made (whole seconds): tells two openings apart.
    created_there_at = models.DateTimeField(null=True, blank=True)
    # Likewise when it was closed there; None where it did not say so.
    destroyed_there_at = models.DateTimeField(null=True, blank=True)
    first_joined_at = models.DateTimeField(null=True, blank=True)
    # The last time that it was known to be there: by an event or by the census.
    seen_at = models.DateTimeField(null=True, blank=True)
    people_now = models.PositiveIntegerField(default=0)
    people_peak = models.PositiveIntegerField(default=0)
    # Since when nobody is in it; None while somebody is, and before anybody came.
    empty_since = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=8, choices=Closed.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["server", "name"], condition=Q(closed_at=None), name="conference_open_once"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, closed_by="") | (Q(closed_at__gte=F("opened_at")) & ~Q(closed_by="")),
                name="conference_closed_with_reason",
            ),
            models.CheckConstraint(condition=Q(occurrence=None) | Q(unplanned=None), name="conference_of_one"),
        ]
        indexes = [
            models.Index(fields=["server", "name", "opened_at"], name="conference_history"),
            models.Index(fields=["opened_at"], name="conference_open", condition=Q(closed_at=None)),
            models.Index(fields=["closed_at"], name="conference_closed", condition=Q(closed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.server_id}"


class Presence(models.Model):
    """One stay of one connection: a reload leaves and comes back as another. Telephones have no participant.

    Who goes to a breakout room and back has three stays: in the conference, in a breakout room, in the conference.
    """

    conference = models.ForeignKey(Conference, models.CASCADE, related_name="presences")
    # The random address of the connection: says nothing about the person, and is where messages to it go. `#` and a
    # number once it is forgotten.
    occupant_jid = models.CharField(max_length=400)
    attendee = models.ForeignKey(Attendee, models.SET_NULL, related_name="presences", null=True, blank=True)
    is_breakout = models.BooleanField(default=False)
    joined_at = models.DateTimeField()
    # As the server says it (whole seconds): tells two stays of one connection apart.
    joined_there_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    # Nobody said when they left: the conference was gone by then, or they had come in elsewhere.
    left_is_guess = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conference", "occupant_jid", "is_breakout", "joined_there_at"],
                name="presence_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(left_at=None) | Q(left_at__gte=F("joined_at")), name="presence_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conference_id}: {self.joined_at:%H:%M}"


class ConferenceWarning(models.Model):
    """A message into a conference that its end is near: each once for every end that it had."""

    conference = models.ForeignKey(Conference, models.CASCADE, related_name="warnings")
    ends_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField()
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conference", "ends_at", "minutes"], name="conference_warned_once")
        ]

    def __str__(self) -> str:
        return f"{self.conference_id}: {self.minutes} min"
