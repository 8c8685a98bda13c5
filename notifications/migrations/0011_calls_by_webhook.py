"""The calls of one webhook are found by index."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("notifications", "0006_pace_and_clock")]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["webhook", "-id"], name="message_of_webhook", condition=Q(webhook__isnull=False)
            ),
        ),
    ]
