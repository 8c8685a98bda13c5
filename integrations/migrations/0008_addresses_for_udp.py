"""Where browsers ask whether UDP passes, before the day."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0007_webhooks")]

    operations = [
        migrations.AddField(
            model_name="conferenceserver",
            name="stun_address",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Host and port of its STUN or TURN server, such as meet.example.org:3478. Without it guests can't test whether their network lets picture and sound through.",
                max_length=260,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?$",
                        "A host in lower case, perhaps with a port, such as meet.example.org:3478.",
                    )
                ],
                verbose_name="address for tests of UDP",
            ),
        ),
    ]
