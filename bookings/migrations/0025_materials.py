"""Files and notes for those who are invited; the bytes in a table of their own."""

import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

LARGEST_FILE = 52_428_800
NOTE = Q(content=None, size=None, media_type="", sha256="") & ~Q(text="")
FILE = Q(
    content__isnull=False,
    size__isnull=False,
    size__range=(1, LARGEST_FILE),
    sha256__regex=r"^[0-9a-f]{64}$",
    text="",
) & ~Q(media_type="")


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0024_guests_say_more"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MaterialContent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("data", models.BinaryField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(
                            django.db.models.lookups.GreaterThan(django.db.models.functions.text.Length("data"), 0),
                            django.db.models.lookups.LessThanOrEqual(
                                django.db.models.functions.text.Length("data"), LARGEST_FILE
                            ),
                        ),
                        name="material_content_fits",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Material",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(editable=False)),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("text", models.TextField(blank=True)),
                ("media_type", models.CharField(blank=True, editable=False, max_length=100)),
                (
                    "size",
                    models.PositiveIntegerField(blank=True, editable=False, null=True, verbose_name="size in bytes"),
                ),
                ("sha256", models.CharField(blank=True, editable=False, max_length=64)),
                ("added_at", models.DateTimeField(editable=False)),
                ("changed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="materials",
                        to="bookings.booking",
                    ),
                ),
                (
                    "occurrence",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="materials",
                        to="bookings.occurrence",
                    ),
                ),
                (
                    "content",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="materials",
                        to="bookings.materialcontent",
                    ),
                ),
            ],
            options={
                "verbose_name": "file or note",
                "verbose_name_plural": "files and notes",
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["IMMEDIATE"],
                        fields=("booking", "position"),
                        name="material_positions",
                    ),
                    models.CheckConstraint(condition=Q(position__range=(1, 20)), name="material_at_most"),
                    models.CheckConstraint(
                        condition=Q(name__regex=r"^[^\u0001-\u001f\u007f]+$") & ~Q(name__regex=r"^\s*$"),
                        name="material_name_is_one_line",
                    ),
                    models.CheckConstraint(condition=NOTE | FILE, name="material_is_note_or_file"),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.LessThanOrEqual(
                            django.db.models.functions.text.Length("text"), 10_000
                        ),
                        name="material_note_fits",
                    ),
                ],
            },
        ),
    ]
