"""Writing a booking does nothing that there is nothing to do for.

Triggers run after a DELETE that deletes nothing, too; so it is looked first whether there is anything to delete. And
the words of a title come from a function in PL/pgSQL: one in SQL is read and planned anew by every INSERT, which the
database does for generated columns.
"""

from importlib import import_module

from django.db import migrations

_search = import_module("bookings.migrations.0023_session_search")

# As in 0007.
PLANNER = """
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off SET jit = off
"""

HOLD = r"""
-- Make these meetings of a booking, and exactly what they hold, true. `given`:
--   meetings: [{id (of a meeting that is there already), original, starts, ends, local_start, local_end, own_time,
--               own_rooms, rooms: [in order], licences: [{pool, site, seats, source, named, borrower}]}]
--   rooms, pools: all that are locked; movable: [{id, quantity}]; at: the present.
-- What is given up goes first, then what moves, then what is new: no guard sees more than the old or the new whole.
CREATE OR REPLACE FUNCTION booking_hold_meetings(the_booking bigint, given jsonb) RETURNS void
LANGUAGE plpgsql __planner__ AS $$
DECLARE
    at timestamptz := given->>'at';
    pools bigint[] := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(given->'pools'));
    rooms bigint[] := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(given->'rooms'));
BEGIN
    -- Open forms and offers whose time is over hold nothing any more.
    IF EXISTS (SELECT FROM bookings_roomhold WHERE expires_at <= at) THEN
        DELETE FROM bookings_roomhold WHERE expires_at <= at AND room_id = ANY (rooms);
    END IF;
    IF EXISTS (SELECT FROM bookings_licencehold WHERE expires_at <= at) THEN
        DELETE FROM bookings_licencehold WHERE expires_at <= at AND pool_id = ANY (pools);
    END IF;
    IF given->'movable' <> '[]' THEN
        DELETE FROM bookings_equipmenthold WHERE expires_at <= at
            AND equipment_id IN (SELECT id FROM jsonb_to_recordset(given->'movable') AS piece(id bigint));
    END IF;
    IF jsonb_path_exists(given, '$.meetings[*].id') THEN
        PERFORM booking_move_meetings(the_booking, given);
    END IF;
    INSERT INTO bookings_occurrence (booking_id, original_start_at, starts_at, ends_at, local_start, local_end, status,
        has_own_time, has_own_rooms, own_title, own_description)
    SELECT the_booking, original, starts, ends, local_start, local_end, 'confirmed', own_time, own_rooms, own_title,
        own_description
    FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint, original timestamptz, starts timestamptz,
        ends timestamptz, local_start text, local_end text, own_time boolean, own_rooms boolean, own_title text,
        own_description text)
    WHERE id IS NULL;

    INSERT INTO bookings_roomhold (occurrence_id, room_id, position, period, live)
    SELECT occurrence.id, room.id, wanted.position - 1,
        tstzrange(occurrence.starts_at - room.setup, occurrence.ends_at + room.clearing), true
    FROM jsonb_to_recordset(given->'meetings') AS meeting(original timestamptz, rooms bigint[])
    JOIN bookings_occurrence occurrence ON booking_id = the_booking AND original_start_at = original
    CROSS JOIN unnest(meeting.rooms) WITH ORDINALITY AS wanted(room_id, position)
    JOIN rooms_room room ON room.id = wanted.room_id
    WHERE NOT EXISTS (
        SELECT FROM bookings_roomhold hold WHERE hold.live AND hold.occurrence_id = occurrence.id
            AND hold.room_id = room.id
    );
    INSERT INTO bookings_licencehold (occurrence_id, pool_id, site_id, seats, period, live, source, named_id,
        borrowed_by_id)
    SELECT occurrence.id, wanted.pool, wanted.site, wanted.seats, tstzrange(starts_at, ends_at), true, wanted.source,
        wanted.named, wanted.borrower
    FROM jsonb_to_recordset(given->'meetings') AS meeting(original timestamptz, licences jsonb)
    JOIN bookings_occurrence occurrence ON booking_id = the_booking AND original_start_at = original
    CROSS JOIN jsonb_to_recordset(meeting.licences) AS wanted(pool bigint, site bigint, seats int, source text,
        named bigint, borrower bigint)
    WHERE NOT EXISTS (
        SELECT FROM bookings_licencehold hold WHERE hold.live AND hold.occurrence_id = occurrence.id
            AND hold.pool_id = wanted.pool AND hold.site_id IS NOT DISTINCT FROM wanted.site
            AND hold.source = wanted.source AND hold.named_id IS NOT DISTINCT FROM wanted.named
    );
    IF given->'movable' <> '[]' THEN
        INSERT INTO bookings_equipmenthold (occurrence_id, equipment_id, quantity, period, live)
        SELECT occurrence.id, piece.id, piece.quantity, tstzrange(starts_at, ends_at), true
        FROM jsonb_to_recordset(given->'meetings') AS meeting(original timestamptz)
        JOIN bookings_occurrence occurrence ON booking_id = the_booking AND original_start_at = original
        CROSS JOIN jsonb_to_recordset(given->'movable') AS piece(id bigint, quantity int)
        WHERE NOT EXISTS (
            SELECT FROM bookings_equipmenthold hold WHERE hold.live AND hold.occurrence_id = occurrence.id
                AND hold.equipment_id = piece.id
        );
    END IF;
END
$$;
"""

INSERT = r"""
-- Write a whole new booking. `given`: what `booking_hold_meetings` takes, and the columns of
--   booking: {…}; people: [{…}]; event: {kind, actor, data}; submission: whose open form's holds are given up.
-- `thread`: of the six colours that join several rooms, the one that the fewest sessions between `day_from` and
-- `day_to` have.
CREATE OR REPLACE FUNCTION booking_insert(given jsonb, OUT booking_id bigint, OUT number text, OUT thread smallint,
    OUT occurrence_id bigint, OUT attendee_ids bigint[], OUT event_id bigint)
LANGUAGE plpgsql __planner__ AS $$
DECLARE
    at timestamptz := given->>'at';
    the_form uuid := given->'booking'->>'submission';
    serial text := nextval('booking_number')::text;
BEGIN
    -- What an open form holds is there only as long as the form is.
    IF EXISTS (SELECT FROM bookings_draft WHERE submission = the_form) THEN
        DELETE FROM bookings_roomhold WHERE draft_id = the_form;
        DELETE FROM bookings_licencehold WHERE draft_id = the_form;
        DELETE FROM bookings_equipmenthold WHERE draft_id = the_form;
        DELETE FROM bookings_draft WHERE submission = the_form;
    END IF;
    IF given->'joins' = 'true' THEN
        SELECT colour INTO thread FROM generate_series(1, 6) AS colour LEFT JOIN (
            SELECT booking.thread FROM bookings_occurrence meeting
            JOIN bookings_booking booking ON booking.id = meeting.booking_id
            WHERE meeting.starts_at >= (given->>'day_from')::timestamptz
                AND meeting.starts_at < (given->>'day_to')::timestamptz
                AND meeting.status <> 'cancelled' AND booking.thread IS NOT NULL
        ) AS used ON used.thread = colour
        GROUP BY colour ORDER BY count(used.thread), colour LIMIT 1;
    END IF;
    number := 'N-' || (given->>'year') || '-' || lpad(serial, greatest(5, length(serial)), '0');
    INSERT INTO bookings_booking (number, uid, sequence, version, stamped_at, conference_name, title, description,
        organizer_id, created_by_id, host_site_id, time_zone, rrule, local_start, local_end, skipped, follows_id, wishes,
        is_private, status, thread, created_at, changed_at, cancel_reason, submission)
    SELECT booking_insert.number, uid, 0, 1, date_trunc('second', at), conference_name, title, description,
        organizer, created_by, host_site, time_zone, rrule, local_start, local_end, skipped, follows, wishes,
        is_private, status, booking_insert.thread, at, at, '', submission
    FROM jsonb_to_record(given->'booking') AS booking(uid text, conference_name text, title text, description text,
        organizer bigint, created_by bigint, host_site bigint, time_zone text, rrule text, local_start text,
        local_end text, skipped jsonb, follows bigint, wishes jsonb, is_private boolean, status text, submission uuid)
    RETURNING id INTO booking_id;

    PERFORM booking_hold_meetings(booking_id, given);
    IF jsonb_array_length(given->'meetings') = 1 THEN
        SELECT id INTO occurrence_id FROM bookings_occurrence meeting
        WHERE meeting.booking_id = booking_insert.booking_id;
    END IF;

    -- The organizer has accepted by booking (RFC 5546 2.1.3).
    WITH invited AS (
        INSERT INTO bookings_attendee (booking_id, user_id, contact_id, email, name, language, time_zone, is_organizer,
            partstat, join_key, invited_at)
        SELECT booking_insert.booking_id, user_id, contact_id, email, name, language, time_zone, is_organizer,
            CASE WHEN is_organizer THEN 'ACCEPTED' ELSE 'NEEDS-ACTION' END, join_key, at
        FROM jsonb_to_recordset(given->'people') AS person(user_id bigint, contact_id bigint, email text, name text,
            language text, time_zone text, is_organizer boolean, join_key text)
        RETURNING id
    ) SELECT array_agg(id ORDER BY id) INTO attendee_ids FROM invited;
    INSERT INTO bookings_bookingevent (booking_id, occurrence_id, kind, actor_id, at, version, sequence, data)
    VALUES (booking_id, CASE WHEN given->'booking'->>'rrule' = '' THEN occurrence_id END, given->'event'->>'kind',
        (given->'event'->>'actor')::bigint, at, 1, 0, given->'event'->'data')
    RETURNING id INTO event_id;
END
$$;
"""

# `RETURN` of an expression, which needs no statement to be run.
WORDS = f"""
CREATE OR REPLACE FUNCTION search_words(written text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN {_search.WORDS};
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0026_guests_by_address")]

    operations = [
        migrations.RunSQL((HOLD + INSERT).replace("__planner__", PLANNER), migrations.RunSQL.noop),
        migrations.RunSQL(WORDS, f"CREATE OR REPLACE {_search.IN_SQL}"),
    ]
