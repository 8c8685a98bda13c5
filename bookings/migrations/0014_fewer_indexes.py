"""Indexes that nothing reads and every booking writes.

A text column with a unique index gets a second one from Django, for searches by its beginning: numbers, UIDs and names
of conferences are only ever looked up whole. The history's own index begins with the booking already.
"""

import django.db.models.deletion
from django.db import migrations, models

DROP = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'bookings_booking'::regclass
            AND indexrelid::regclass::text LIKE '%\\_like'
    LOOP
        EXECUTE 'DROP INDEX ' || name;
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0013_write_licences_by_source")]

    operations = [
        migrations.AlterField(
            model_name="bookingevent",
            name="booking",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="bookings.booking",
            ),
        ),
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
    ]
