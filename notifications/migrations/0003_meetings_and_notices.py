import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0005_series_holds_and_waiting"),
        ("notifications", "0002_account_mails"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="message",
            name="message_once_per_version",
        ),
        migrations.RemoveConstraint(
            model_name="message",
            name="message_kind",
        ),
        migrations.RemoveConstraint(
            model_name="message",
            name="message_about_a_session_or_an_account",
        ),
        migrations.AddField(
            model_name="message",
            name="data",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="recurrence_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="topic",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=30),
        ),
        migrations.AddField(
            model_name="message",
            name="user",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="waits_for",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="bookings.booking",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("invitation", "invitation"),
                    ("update", "change"),
                    ("cancellation", "cancellation"),
                    ("reminder", "reminder"),
                    ("notice", "notice"),
                    ("account", "about the account"),
                ],
                max_length=12,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind__in", ["invitation", "update", "cancellation"])),
                fields=("attendee", "version", "occurrence", "recurrence_at"),
                name="message_once_per_version",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind", "reminder"),
                        ("recurrence_at", None),
                        ("sequence", None),
                        ("version", None),
                        ("lead__isnull", False),
                        ("occurrence__isnull", False),
                        ("starts_at__isnull", False),
                    ),
                    models.Q(
                        ("kind__in", ["invitation", "update", "cancellation"]),
                        ("lead", None),
                        ("sequence__isnull", False),
                        ("starts_at", None),
                        ("version__isnull", False),
                        models.Q(
                            models.Q(("occurrence", None), ("recurrence_at", None)),
                            models.Q(("occurrence__isnull", False), ("recurrence_at__isnull", False)),
                            _connector="OR",
                        ),
                    ),
                    models.Q(
                        ("kind__in", ["account", "notice"]),
                        ("sequence", None),
                        ("version", None),
                        ("lead", None),
                        ("occurrence", None),
                        ("recurrence_at", None),
                        ("starts_at", None),
                    ),
                    _connector="OR",
                ),
                name="message_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("attendee", None),
                        ("booking", None),
                        ("data__isnull", True),
                        ("kind", "account"),
                        ("topic", ""),
                        ("user", None),
                    ),
                    models.Q(
                        ("attendee", None),
                        ("data__isnull", False),
                        ("kind", "notice"),
                        ("user__isnull", False),
                        models.Q(("topic", ""), _negated=True),
                    ),
                    models.Q(
                        ("kind__in", ["invitation", "update", "cancellation", "reminder"]),
                        ("attendee__isnull", False),
                        ("booking__isnull", False),
                        ("data__isnull", True),
                        ("topic", ""),
                        ("user", None),
                    ),
                    _connector="OR",
                ),
                name="message_addressed",
            ),
        ),
    ]
