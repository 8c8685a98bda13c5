"""What servers say of stays, word for word, and since when they are watched without a gap."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("integrations", "0003_tries_of_pins")]

    operations = [
        migrations.AddField("conference", "destroyed_there_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("conference", "empty_since", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("presence", "joined_there_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("presence", "left_is_guess", models.BooleanField(default=False)),
        migrations.AddField("serverhealth", "census_since", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("serverhealth", "census_people_at", models.DateTimeField(blank=True, null=True)),
        migrations.RemoveConstraint("presence", "presence_once"),
        migrations.AddConstraint(
            "presence",
            models.UniqueConstraint(
                fields=("conference", "occupant_jid", "is_breakout", "joined_there_at"),
                name="presence_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            "conference",
            models.Index(fields=["closed_at"], name="conference_closed", condition=Q(closed_at__isnull=False)),
        ),
    ]
