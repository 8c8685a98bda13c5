"""A cancellation that can still be undone holds what it gave up, as an open form does."""

import django.db.models.deletion
from django.db import migrations, models

KINDS = [
    ("booked", "booked"),
    ("moved", "moved"),
    ("rooms_changed", "rooms changed"),
    ("participants_changed", "participants changed"),
    ("details_changed", "title or description changed"),
    ("invited_again", "invitation sent again"),
    ("cancelled", "cancelled"),
    ("meeting_changed", "one meeting changed"),
    ("meeting_cancelled", "one meeting cancelled"),
    ("meeting_added", "a meeting added"),
    ("series_cut", "series ends earlier"),
    ("requested", "sent for approval"),
    ("approved", "approved"),
    ("declined", "not approved"),
    ("expired", "approval came too late"),
    ("exempted", "a rule set aside"),
    ("emergency", "an emergency licence used"),
    ("borrowed", "a licence of another site used"),
    ("answered", "answered"),
    ("proposed", "another time proposed"),
    ("proposal_declined", "the proposed time declined"),
    ("licence_kept", "keeps its licence in a smaller pool"),
    ("conference_started", "conference began"),
    ("conference_ended", "everybody left the conference"),
    ("no_show", "nobody came"),
    ("person_removed", "somebody taken out of the conference"),
    ("conference_closed", "conference ended by the organizer"),
    ("restored", "cancellation undone"),
    ("meeting_restored", "cancellation of one meeting undone"),
]


class Migration(migrations.Migration):
    dependencies = [("bookings", "0019_unplanned_conferences_are_kept")]

    operations = [
        migrations.AddField(
            model_name="draft",
            name="cancelled",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="undo_holds",
                to="bookings.booking",
            ),
        ),
        migrations.AlterField(
            model_name="bookingevent",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=24),
        ),
    ]
