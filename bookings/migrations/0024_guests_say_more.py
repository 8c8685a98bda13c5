"""What people without an account say of themselves: room, number of people, who goes instead, devices that work."""

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
    ("materials_changed", "files or notes changed"),
    ("party_said", "said where from and how many take part"),
    ("data_erased", "personal data erased"),
]


class Migration(migrations.Migration):
    dependencies = [("bookings", "0023_session_search")]

    operations = [
        migrations.AddField(
            model_name="attendee",
            name="own_room",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=120),
        ),
        migrations.AddField(
            model_name="attendee",
            name="headcount",
            field=models.PositiveSmallIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="attendee",
            name="named_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="named",
                to="bookings.attendee",
            ),
        ),
        migrations.AddField(
            model_name="attendee",
            name="devices_tested_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="attendee",
            name="erased_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="attendee",
            index=models.Index(
                condition=models.Q(("named_by__isnull", False)), fields=["named_by"], name="attendee_named_by"
            ),
        ),
        migrations.AddConstraint(
            model_name="attendee",
            constraint=models.CheckConstraint(
                condition=models.Q(headcount=None) | models.Q(headcount__range=(1, 999)), name="attendee_headcount"
            ),
        ),
        migrations.AlterField(
            model_name="bookingevent",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=24),
        ),
    ]
