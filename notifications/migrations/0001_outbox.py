import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("bookings", "0003_append_only_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("invitation", "invitation"),
                            ("update", "change"),
                            ("cancellation", "cancellation"),
                            ("reminder", "reminder"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting"),
                            ("sending", "being sent"),
                            ("sent", "sent"),
                            ("retrying", "to be tried again"),
                            ("failed", "not delivered"),
                            ("superseded", "no longer needed"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("recipient", models.EmailField(max_length=254, verbose_name="recipient")),
                ("version", models.PositiveIntegerField(blank=True, null=True)),
                ("sequence", models.PositiveIntegerField(blank=True, null=True, verbose_name="SEQUENCE")),
                ("starts_at", models.DateTimeField(blank=True, null=True, verbose_name="starts")),
                ("lead", models.DurationField(blank=True, null=True, verbose_name="how long before")),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("give_up_at", models.DateTimeField(editable=False)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("may_have_arrived", models.BooleanField(default=False, editable=False)),
                ("message_id", models.CharField(blank=True, max_length=400, verbose_name="Message-ID")),
                ("subject", models.CharField(blank=True, max_length=400, verbose_name="subject")),
                ("raw", models.BinaryField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True, verbose_name="the server's answer")),
                ("created_at", models.DateTimeField(verbose_name="written")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                (
                    "attendee",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="bookings.attendee",
                        verbose_name="participant",
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="bookings.booking",
                        verbose_name="session",
                    ),
                ),
                (
                    "occurrence",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="bookings.occurrence",
                        verbose_name="meeting",
                    ),
                ),
            ],
            options={
                "verbose_name": "mail",
                "verbose_name_plural": "mails",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "retrying"])),
                        fields=["due_at", "id"],
                        name="message_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", "sending")), fields=["lease_until"], name="message_leased"
                    ),
                    models.Index(
                        models.F("booking"),
                        django.db.models.functions.text.Lower("recipient"),
                        models.F("id"),
                        condition=models.Q(("state__in", ["queued", "retrying", "sending"])),
                        name="message_line",
                    ),
                    models.Index(condition=models.Q(("state", "failed")), fields=["id"], name="message_failed"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "reminder"), _negated=True),
                        fields=("attendee", "version"),
                        name="message_once_per_version",
                    ),
                    models.UniqueConstraint(
                        fields=("attendee", "occurrence", "starts_at", "lead"), name="message_reminds_once_per_start"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "reminder"),
                                ("sequence", None),
                                ("version", None),
                                ("lead__isnull", False),
                                ("occurrence__isnull", False),
                                ("starts_at__isnull", False),
                            ),
                            models.Q(
                                ("kind__in", ["invitation", "update", "cancellation"]),
                                ("lead", None),
                                ("occurrence", None),
                                ("sequence__isnull", False),
                                ("starts_at", None),
                                ("version__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="message_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "sending", "sent", "retrying", "failed", "superseded"])
                        ),
                        name="message_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_until__isnull", False), ("state", "sending")),
                            models.Q(models.Q(("state", "sending"), _negated=True), ("lease_until", None)),
                            _connector="OR",
                        ),
                        name="message_leased_while_sending",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("may_have_arrived", True),
                                ("raw__isnull", False),
                                ("sent_at__isnull", False),
                                ("state", "sent"),
                            ),
                            models.Q(models.Q(("state", "sent"), _negated=True), ("sent_at", None)),
                            _connector="OR",
                        ),
                        name="message_sent_with_time_and_bytes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "failed"), _negated=True),
                            models.Q(("last_error", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="message_failed_with_a_reason",
                    ),
                ],
            },
        ),
    ]
