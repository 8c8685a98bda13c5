"""Indexes for the search of times at which people are free: the sessions of one person, the meetings of a month."""

from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0007_writing_functions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="attendee",
            index=models.Index(
                fields=["user", "booking"],
                name="attendee_of_user",
                include=["occurrence", "partstat"],
                condition=Q(removed_at=None, user__isnull=False),
            ),
        ),
        migrations.AlterField(
            model_name="occurrence", name="starts_at", field=models.DateTimeField(verbose_name="starts")
        ),
        migrations.AddIndex(
            model_name="occurrence",
            index=models.Index(fields=["starts_at", "ends_at"], name="occurrence_times", include=["booking", "status"]),
        ),
    ]
