"""Addresses of calendars that somebody subscribed to."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from rooms.models import Room, Site


def new_feed_key() -> str:
    return get_random_string(20)


class CalendarFeed(models.Model):
    """The address of a calendar: of the sessions of its owner, of one room, or of a site.

    The address is signed over `key` and can be shown again; a new row, or `revoked_at`, kills the old one.
    """

    class Detail(models.TextChoices):
        #: Only that the time is taken.
        BUSY = "busy", _("only busy times")
        #: Titles of what is not closed; never descriptions, people or join links.
        TITLES = "titles", _("titles and places")
        #: Of the owner's own sessions: with description and the personal join link.
        FULL = "full", _("everything")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="calendar_feeds")
    room = models.ForeignKey(Room, models.CASCADE, related_name="+", null=True, blank=True)
    site = models.ForeignKey(Site, models.CASCADE, related_name="+", null=True, blank=True)
    detail = models.CharField(max_length=6, choices=Detail.choices, default=Detail.TITLES)
    # Of the owner's own sessions: leave out what is in their calendar already, by an invitation (calendar-mail.md I2).
    without_mailed = models.BooleanField(default=False)
    key = models.CharField(max_length=20, default=new_feed_key, editable=False)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    # When a calendar last asked: to the day, so that asking costs no write.
    last_read_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(room=None) | Q(site=None), name="feed_of_one_thing"),
            models.CheckConstraint(
                condition=~Q(detail="full") | Q(room=None, site=None), name="feed_full_only_of_own_sessions"
            ),
            models.CheckConstraint(
                condition=Q(without_mailed=False) | Q(room=None, site=None), name="feed_mailed_only_of_own_sessions"
            ),
        ]
        indexes = [models.Index(fields=["owner"], name="feed_of_owner", condition=Q(revoked_at=None))]

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.scope}"

    @property
    def scope(self) -> str:
        """What the UIDs of its events carry: stable over new addresses, and no UID of a mail or another calendar."""
        if self.room_id is not None:
            return f"r{self.room_id}"
        return "m" if self.site_id is None else f"s{self.site_id}"
