"""Whatever a board shows leaves a mark when it changes, by which an unchanged page is known without reading it."""

from django.db import migrations

# A mark belongs to a stretch of time, from '-infinity' on to all of it. Marks are only ever added: whoever sees the same
# marks of a day as before sees the same day. Being rows of the same transaction as the change, they are seen neither
# sooner nor later than it; nobody waits for anybody, since nobody changes a row. `mark` is random, so that after a
# restored backup the same number of marks is not taken for the same marks.
TABLE = """
CREATE TABLE bookings_boardchange (
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    mark bigint NOT NULL DEFAULT (random() * 9007199254740991)::bigint
);
CREATE INDEX board_change_times ON bookings_boardchange (starts_at, ends_at) INCLUDE (mark);
-- The first mark of the office tells this database from others.
INSERT INTO bookings_boardchange (starts_at, ends_at) VALUES ('-infinity', 'infinity');
"""

# What holds rooms and licences. Temporary holds come and go all the time, and end without a change; there are few of
# them, and the page reads them.
HOLDS = """
CREATE FUNCTION board_holds_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO bookings_boardchange (starts_at, ends_at)
        SELECT DISTINCT lower(period), upper(period) FROM new_rows WHERE live AND expires_at IS NULL;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO bookings_boardchange (starts_at, ends_at)
        SELECT DISTINCT lower(period), upper(period) FROM old_rows WHERE live AND expires_at IS NULL;
    ELSE
        INSERT INTO bookings_boardchange (starts_at, ends_at)
        SELECT lower(period), upper(period) FROM old_rows WHERE live AND expires_at IS NULL
        UNION SELECT lower(period), upper(period) FROM new_rows WHERE live AND expires_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
"""

# OFFSET 0 keeps each LATERAL apart, so that holds are found by index, booking by booking, however the plan was made.
SESSIONS = """
CREATE FUNCTION board_bookings_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bookings_boardchange (starts_at, ends_at)
    SELECT DISTINCT lower(held.period), upper(held.period)
    FROM (
        SELECT id FROM old_rows JOIN new_rows USING (id)
        WHERE (old_rows.title, old_rows.is_private, old_rows.is_outside, old_rows.status, old_rows.organizer_id,
                old_rows.created_by_id, old_rows.host_site_id, old_rows.thread, old_rows.rrule, old_rows.time_zone)
            IS DISTINCT FROM (new_rows.title, new_rows.is_private, new_rows.is_outside, new_rows.status,
                new_rows.organizer_id, new_rows.created_by_id, new_rows.host_site_id, new_rows.thread, new_rows.rrule,
                new_rows.time_zone)
    ) AS changed, LATERAL (
        SELECT hold.period FROM bookings_occurrence meeting
        JOIN bookings_roomhold hold ON hold.occurrence_id = meeting.id AND hold.live
        WHERE meeting.booking_id = changed.id OFFSET 0
    ) AS held;
    RETURN NULL;
END $$;

CREATE FUNCTION board_meetings_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bookings_boardchange (starts_at, ends_at)
    SELECT DISTINCT lower(held.period), upper(held.period)
    FROM (
        SELECT id FROM old_rows JOIN new_rows USING (id)
        WHERE (old_rows.own_title, old_rows.starts_at, old_rows.ends_at)
            IS DISTINCT FROM (new_rows.own_title, new_rows.starts_at, new_rows.ends_at)
    ) AS changed, LATERAL (
        SELECT hold.period FROM bookings_roomhold hold WHERE hold.occurrence_id = changed.id AND hold.live OFFSET 0
    ) AS held;
    RETURN NULL;
END $$;

CREATE FUNCTION board_people_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bookings bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT booking_id) INTO bookings FROM new_rows WHERE removed_at IS NULL;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT booking_id) INTO bookings FROM old_rows WHERE removed_at IS NULL;
    ELSE
        -- Answers and the like are not on the board.
        SELECT array_agg(DISTINCT new_rows.booking_id) INTO bookings FROM old_rows JOIN new_rows USING (id)
        WHERE (old_rows.removed_at, old_rows.user_id, old_rows.occurrence_id)
            IS DISTINCT FROM (new_rows.removed_at, new_rows.user_id, new_rows.occurrence_id);
    END IF;
    IF bookings IS NOT NULL THEN
        INSERT INTO bookings_boardchange (starts_at, ends_at)
        SELECT DISTINCT lower(held.period), upper(held.period)
        FROM unnest(bookings) AS changed (id), LATERAL (
            SELECT hold.period FROM bookings_occurrence meeting
            JOIN bookings_roomhold hold ON hold.occurrence_id = meeting.id AND hold.live
            WHERE meeting.booking_id = changed.id OFFSET 0
        ) AS held;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION board_absences_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bookings_boardchange (starts_at, ends_at)
    SELECT DISTINCT lower(held.period), upper(held.period)
    FROM (SELECT DISTINCT occurrence_id FROM changed_rows) AS changed, LATERAL (
        SELECT hold.period FROM bookings_roomhold hold
        WHERE hold.occurrence_id = changed.occurrence_id AND hold.live OFFSET 0
    ) AS held;
    RETURN NULL;
END $$;

CREATE FUNCTION board_closures_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bookings_boardchange (starts_at, ends_at)
    SELECT DISTINCT lower(held.period), upper(held.period)
    FROM (
        SELECT id FROM old_rows JOIN new_rows USING (id)
        WHERE (old_rows.title, old_rows.title_en) IS DISTINCT FROM (new_rows.title, new_rows.title_en)
    ) AS changed, LATERAL (
        SELECT hold.period FROM bookings_roomhold hold WHERE hold.closure_id = changed.id AND hold.live OFFSET 0
    ) AS held;
    RETURN NULL;
END $$;
"""

# What boards of all days show. Changes seldom, so each statement leaves a mark.
OFFICE = """
CREATE FUNCTION board_office_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bookings_boardchange (starts_at, ends_at) VALUES ('-infinity', 'infinity');
    RETURN NULL;
END $$;
"""
OFFICE_TABLES = (
    "rooms_site",
    "rooms_room",
    "rooms_room_equipment",
    "rooms_equipment",
    "rooms_openinghours",
    "rooms_licencepool",
    "rooms_licencegrant",
)

_NEW, _OLD = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
#: Table, event, transition tables, function.
TRIGGERS = (
    *(
        (table, event, rows, "board_holds_changed")
        for table in ("bookings_roomhold", "bookings_licencehold")
        for event, rows in (("INSERT", _NEW), ("UPDATE", f"{_OLD} {_NEW}"), ("DELETE", _OLD))
    ),
    ("bookings_booking", "UPDATE", f"{_OLD} {_NEW}", "board_bookings_changed"),
    ("bookings_occurrence", "UPDATE", f"{_OLD} {_NEW}", "board_meetings_changed"),
    ("bookings_attendee", "INSERT", _NEW, "board_people_changed"),
    ("bookings_attendee", "UPDATE", f"{_OLD} {_NEW}", "board_people_changed"),
    ("bookings_attendee", "DELETE", _OLD, "board_people_changed"),
    ("bookings_absence", "INSERT", "NEW TABLE AS changed_rows", "board_absences_changed"),
    ("bookings_absence", "DELETE", "OLD TABLE AS changed_rows", "board_absences_changed"),
    ("rooms_closure", "UPDATE", f"{_OLD} {_NEW}", "board_closures_changed"),
    *((table, "INSERT OR UPDATE OR DELETE", "", "board_office_changed") for table in OFFICE_TABLES),
)


def _name(event: str) -> str:
    return "board_mark" if " " in event else f"board_mark_{event.lower()}"


def _create() -> str:
    return "\n".join(
        f"CREATE TRIGGER {_name(event)} AFTER {event} ON {table}"
        f" {f'REFERENCING {rows}' if rows else ''} FOR EACH STATEMENT EXECUTE FUNCTION {function}();"
        for table, event, rows, function in TRIGGERS
    )


def _drop() -> str:
    triggers = [f"DROP TRIGGER {_name(event)} ON {table};" for table, event, _rows, _function in TRIGGERS]
    functions = [f"DROP FUNCTION {name}();" for name in dict.fromkeys(function for *_, function in TRIGGERS)]
    return "\n".join([*triggers, *functions, "DROP TABLE bookings_boardchange;"])


class Migration(migrations.Migration):
    dependencies = [("bookings", "0021_kept_forms"), ("rooms", "0006_recorders")]

    operations = [migrations.RunSQL(TABLE + HOLDS + SESSIONS + OFFICE + _create(), _drop())]
