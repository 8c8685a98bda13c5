"""Other systems that are told of sessions by HTTP: room systems, and chat."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import one_line
from rooms.models import Site

MAX_URL_LENGTH = 500


class Webhook(models.Model):
    """An address that is called when something happens to sessions.

    Its secret is stored nowhere: it is derived from SECRET_KEY, the row's key and `secret_version`.
    """

    class Event(models.TextChoices):
        BOOKED = "booked", pgettext_lazy("webhook", "session booked")
        CHANGED = "changed", pgettext_lazy("webhook", "session changed")
        CANCELLED = "cancelled", pgettext_lazy("webhook", "session or meeting cancelled")
        STARTED = "started", pgettext_lazy("webhook", "conference began")
        ENDED = "ended", pgettext_lazy("webhook", "conference ended")

    class Shape(models.TextChoices):
        #: Facts as JSON, signed as Standard Webhooks are.
        JSON = "json", pgettext_lazy("webhook", "facts as JSON, for room systems and programs")
        #: {"text": "..."}, which Mattermost, Rocket.Chat, Slack and Zulip (in Slack's form) take.
        CHAT = "chat", pgettext_lazy("webhook", "a sentence, for chat")

    name = models.CharField(_("name"), max_length=80, unique=True, validators=[one_line])
    url = models.URLField(_("address"), max_length=MAX_URL_LENGTH)
    events = ArrayField(
        models.CharField(max_length=10, choices=Event.choices), size=5, verbose_name=_("what it is told of")
    )
    # None: of all sites, and of sessions without a room.
    site = models.ForeignKey(Site, models.CASCADE, related_name="+", null=True, blank=True, verbose_name=_("site"))
    shape = models.CharField(_("form"), max_length=4, choices=Shape.choices, default=Shape.JSON)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, default="pl")
    # Counts the secrets that it had. Until `old_secret_until` calls are signed with the one before as well.
    secret_version = models.PositiveIntegerField(default=1, editable=False)
    old_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    is_active = models.BooleanField(_("is called"), default=True)
    # Switched off by itself: it answered 410 Gone, or failed for days.
    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_why = models.TextField(blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [
            models.CheckConstraint(
                condition=Q(stopped_at=None) | Q(is_active=False), name="webhook_stopped_is_not_called"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def place(self) -> str:
        """Where it leads, for pages: chats let in whoever knows the rest of the address, so that is not shown again."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/" + ("…" if len(parts.path) > 1 or parts.query else "")
