"""Events can't be changed or deleted, and bookings get their numbers from a sequence."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION booking_event_is_final() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'booking events are append-only'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_event_append_only', TABLE = 'bookings_bookingevent';
END
$$;
CREATE TRIGGER booking_event_append_only BEFORE UPDATE OR DELETE ON bookings_bookingevent
    FOR EACH ROW EXECUTE FUNCTION booking_event_is_final();
CREATE SEQUENCE booking_number;
"""

BACKWARD = """
DROP SEQUENCE booking_number;
DROP TRIGGER booking_event_append_only ON bookings_bookingevent;
DROP FUNCTION booking_event_is_final;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0002_licence_guard")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
