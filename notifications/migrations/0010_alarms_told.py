from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0005_delivery_and_reminders"),
    ]

    operations = [
        migrations.AddField(
            model_name="alarm",
            name="times_told",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="alarm",
            name="telling_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "sent")),
                fields=["sent_at"],
                name="message_sent",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("doubts__gt", 0)),
                fields=["id"],
                name="message_doubted",
            ),
        ),
    ]
