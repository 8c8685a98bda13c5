from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0002_conference_servers")]

    operations = [
        migrations.CreateModel(
            name="DialInTry",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField()),
                ("began_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
