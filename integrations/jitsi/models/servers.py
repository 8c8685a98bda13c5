"""Conference servers, and how they were when they were last asked."""

from __future__ import annotations

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import one_line
from rooms.models import Site

_DOMAIN = RegexValidator(
    r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$",
    _("A domain in lower case, such as meet.example.org, without https:// and without a path."),
)

_HOST_AND_PORT = RegexValidator(
    r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?$",
    _("A host in lower case, perhaps with a port, such as meet.example.org:3478."),
)


class ConferenceServer(models.Model):
    """One Jitsi Meet: a web address for people, an XMPP domain for tokens, and addresses inside for us.

    Secrets between it and us are not stored: they are signed over its key and `key_version` (`callers`).
    """

    class Algorithm(models.TextChoices):
        RS256 = "RS256", _("RS256, with keys of ours")
        HS256 = "HS256", _("HS256, with the secret JITSI_APP_SECRET")

    name = models.CharField(_("name"), max_length=80, unique=True, validators=[one_line])
    # Without a slash at the end. The token and the name of the conference follow.
    url = models.URLField(_("address for people"), max_length=200, unique=True)
    xmpp_domain = models.CharField(_("XMPP domain"), max_length=253, validators=[_DOMAIN])
    muc_domain = models.CharField(
        _("domain of the conferences"),
        max_length=253,
        blank=True,
        validators=[_DOMAIN],
        help_text=_("Empty: conference. and the XMPP domain; with Docker muc. and the XMPP domain."),
    )
    algorithm = models.CharField(
        _("how tokens are signed"), max_length=5, choices=Algorithm.choices, default=Algorithm.RS256
    )
    is_enabled = models.BooleanField(
        _("takes sessions"), default=True, help_text=_("Off: what runs goes on, what is to come goes to other servers.")
    )
    sites = models.ManyToManyField(
        Site,
        related_name="+",
        blank=True,
        verbose_name=_("for sessions of these sites"),
        help_text=_("None chosen: of every site. Others come here only when no other server has room."),
    )
    max_conferences = models.PositiveSmallIntegerField(
        _("conferences at once"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    max_people = models.PositiveIntegerField(
        _("people at once"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    control_url = models.URLField(
        _("Prosody's address inside"),
        max_length=200,
        blank=True,
        help_text=_(
            "Such as http://prosody:5280. Without it Narada can't speak into conferences, end them or count people."
        ),
    )
    jicofo_url = models.URLField(
        _("Jicofo's address inside"), max_length=200, blank=True, help_text=_("Such as http://jicofo:8888.")
    )
    jvb_urls = models.TextField(
        _("addresses of the video bridges inside"),
        blank=True,
        help_text=_("One in a line, such as http://jvb:8080."),
    )
    jibri_urls = models.TextField(
        _("addresses of the recorders inside"),
        blank=True,
        help_text=_("One in a line, such as http://jibri:2222."),
    )
    stun_address = models.CharField(
        _("address for tests of UDP"),
        max_length=260,
        blank=True,
        default="",
        db_default="",
        validators=[_HOST_AND_PORT],
        help_text=_(
            "Host and port of its STUN or TURN server, such as meet.example.org:3478. Without it guests can't test "
            "whether their network lets picture and sound through."
        ),
    )
    position = models.PositiveSmallIntegerField(_("place in lists"), default=0)
    # The one that the settings JITSI_… describe; follows them.
    from_environment = models.BooleanField(default=False, editable=False)
    # Counted up, all secrets between the server and us are new ones.
    key_version = models.PositiveSmallIntegerField(default=1, editable=False)
    # When it last told us of anything; written at most every few seconds.
    told_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("conference server")
        verbose_name_plural = _("conference servers")
        constraints = [
            models.UniqueConstraint(
                fields=["from_environment"], condition=Q(from_environment=True), name="one_server_from_environment"
            ),
            models.CheckConstraint(condition=~Q(url__endswith="/"), name="server_url_without_slash"),
            models.CheckConstraint(
                condition=Q(max_conferences=None) | Q(max_conferences__gte=1), name="server_takes_a_conference"
            ),
            models.CheckConstraint(condition=Q(max_people=None) | Q(max_people__gte=1), name="server_takes_people"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def conferences_domain(self) -> str:
        return self.muc_domain or f"conference.{self.xmpp_domain}"

    @property
    def bridges(self) -> tuple[str, ...]:
        return _lines(self.jvb_urls)

    @property
    def jibris(self) -> tuple[str, ...]:
        return _lines(self.jibri_urls)

    @property
    def can_be_controlled(self) -> bool:
        """Say whether we can speak into its conferences: with HS256 any person's token could too (P2)."""
        return bool(self.control_url) and self.algorithm == self.Algorithm.RS256


def _lines(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (line.strip().rstrip("/") for line in text.splitlines())))


class ServerHealth(models.Model):
    """How a server was when it was last asked. In a row of its own: asking never waits for who changes the server."""

    class State(models.TextChoices):
        UNKNOWN = "unknown", _("not asked yet")
        UP = "up", _("works")
        ILL = "ill", _("works in part")
        DOWN = "down", _("does not answer")

    server = models.OneToOneField(ConferenceServer, models.CASCADE, related_name="health", primary_key=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.UNKNOWN)
    # Since when it is in this state.
    since = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    # The circuit breaker: failures in a row, and when it is asked again.
    failures = models.PositiveSmallIntegerField(default=0)
    next_check_at = models.DateTimeField(null=True, blank=True)
    # By part (web, prosody, jicofo, jvb, jibri…): {"ok": true, "why": "", "version": "", "figures": {…}}.
    parts = models.JSONField(default=dict)
    # How far its clock is ahead of ours, by the Date of its answers; whole seconds.
    clock_ahead_seconds = models.SmallIntegerField(null=True, blank=True)
    # When its census was last read: from then on it is known who was where.
    census_at = models.DateTimeField(null=True, blank=True)
    # Since when it was read again and again without a gap.
    census_since = models.DateTimeField(null=True, blank=True)
    # When it last named a conference with somebody in it: one that never does is not of this server.
    census_people_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.server_id}: {self.state}"
