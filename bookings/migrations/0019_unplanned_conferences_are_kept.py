"""A conference that runs unplanned keeps its seat where the pool becomes too small, as sessions do."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0018_holds_that_reach_further")]

    operations = [
        migrations.RemoveConstraint(model_name="licencehold", name="licence_hold_kept_for_a_session"),
        migrations.AddConstraint(
            model_name="licencehold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kept", False), ("occurrence__isnull", False), ("unplanned__isnull", False), _connector="OR"
                ),
                name="licence_hold_kept_for_a_session",
            ),
        ),
    ]
