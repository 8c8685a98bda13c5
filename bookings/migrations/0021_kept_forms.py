import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models


def fits(name: str) -> models.CheckConstraint:
    length = django.db.models.functions.text.Length("body")
    return models.CheckConstraint(condition=django.db.models.lookups.LessThanOrEqual(length, 100_000), name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0020_undone_cancellations"),
        ("rooms", "0006_recorders"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="KeptForm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("submission", models.UUIDField(editable=False, unique=True)),
                ("body", models.TextField()),
                ("opening", models.CharField(blank=True, max_length=32)),
                ("turn", models.PositiveIntegerField(default=0)),
                ("saved_at", models.DateTimeField(db_index=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="kept_forms",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [fits("kept_form_fits")],
                "indexes": [models.Index(fields=["user", "-saved_at"], name="kept_form_by_user")],
            },
        ),
        migrations.CreateModel(
            name="FormTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="form_templates",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="form_templates",
                        to="rooms.site",
                    ),
                ),
            ],
            options={
                "constraints": [
                    fits("form_template_fits"),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="form_template_has_a_name"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("owner", "name"),
                        name="form_template_named_once",
                    ),
                ],
            },
        ),
    ]
