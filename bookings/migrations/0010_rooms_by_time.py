"""An index for searches of all rooms at once: what begins a little before a time, in whatever room.

Holds stand in three classes by length (`bookings.models.HOLD_LENGTHS`), so that looking for what still goes on does not
read back 36 hours through holds of half an hour. Everything the search asks for is in the index.
"""

from django.db import migrations

ADD = """
CREATE INDEX room_hold_by_length ON bookings_roomhold ((
    CASE WHEN upper(period) - lower(period) <= interval '1 hour' THEN 0
        WHEN upper(period) - lower(period) <= interval '3 hours' THEN 1 ELSE 2 END
), lower(period)) INCLUDE (room_id, period, expires_at) WHERE live
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0008_attendees_by_person")]

    operations = [migrations.RunSQL(ADD, "DROP INDEX room_hold_by_length")]
