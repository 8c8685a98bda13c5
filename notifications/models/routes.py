"""The ways that mail takes: our mail servers, and the domains that it goes to."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class MailRoute(models.Model):
    """One of our mail servers, and whether it can be used just now. All workers share what one of them found out."""

    class Name(models.TextChoices):
        FIRST = "first", pgettext_lazy("mail server", "first")
        SECOND = "second", pgettext_lazy("mail server", "second")

    name = models.CharField(max_length=6, choices=Name.choices, unique=True)
    # Since when no mail can be given to it; None: it can.
    down_since = models.DateTimeField(_("down since"), null=True, blank=True)
    # While it is down: when one worker may try it again.
    ask_again_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    last_error = models.TextField(_("the server's answer"), blank=True)
    last_sent_at = models.DateTimeField(_("last took a mail"), null=True, blank=True)

    class Meta:
        verbose_name = _("mail server")
        verbose_name_plural = _("mail servers")

    def __str__(self) -> str:
        return self.get_name_display()


class MailDomain(models.Model):
    """How fast mail may go to one domain, or calls to one host of a webhook."""

    #: In lower case.
    name = models.CharField(max_length=255, unique=True)
    # When the next mail of the usual pace may leave (GCRA's theoretical arrival time).
    next_at = models.DateTimeField()
    # Put off as a whole, since it refused one mail after another for the time being.
    paused_until = models.DateTimeField(null=True, blank=True)
    # Temporary refusals one after another, of different mails; 0 after one that was taken.
    setbacks = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("domain that mail goes to")
        verbose_name_plural = _("domains that mail goes to")

    def __str__(self) -> str:
        return self.name
