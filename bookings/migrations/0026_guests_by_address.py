"""All that is kept of somebody without an account is found by their address."""

from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("bookings", "0025_materials")]

    operations = [
        migrations.AddIndex(
            model_name="answer",
            index=models.Index(Lower("email"), condition=models.Q(("attendee", None)), name="answer_of_stranger"),
        ),
        migrations.AddIndex(
            model_name="answer",
            index=models.Index(
                Lower("delegated_to"), condition=models.Q(("delegated_to", ""), _negated=True), name="answer_sends"
            ),
        ),
        migrations.AddIndex(
            model_name="attendee",
            index=models.Index(
                Lower("email"), condition=models.Q(("erased_at", None), ("user", None)), name="attendee_by_address"
            ),
        ),
    ]
