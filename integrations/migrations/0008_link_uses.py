"""From which places personal links are used: digests, never addresses."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("bookings", "0024_guests_say_more"), ("integrations", "0008_addresses_for_udp")]

    operations = [
        migrations.CreateModel(
            name="LinkUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("link", models.CharField(max_length=16)),
                ("place", models.CharField(max_length=16)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("beside_at", models.DateTimeField(blank=True, null=True)),
                (
                    "attendee",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="bookings.attendee",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("attendee", "place"), name="link_use_once"),
                    models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="link_use_in_order"),
                ],
            },
        ),
    ]
