"""From where personal links were used."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from bookings.models import Attendee


class LinkUse(models.Model):
    """A place from which somebody came in or sent something by a person's link: never an address, only a keyed digest.

    At most `link_uses.PLACES` of one person, written at most once an hour each, forgotten a day after their last
    meeting (docs/decisions/0029).
    """

    attendee = models.ForeignKey(Attendee, models.CASCADE, related_name="+", db_index=False)
    # Digests: of the key that the link has, so that a new link begins anew; of network and browser.
    link = models.CharField(max_length=16)
    place = models.CharField(max_length=16)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    # When it was used here within a day of another place.
    beside_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attendee", "place"], name="link_use_once"),
            models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="link_use_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.attendee_id}: {self.place}"
