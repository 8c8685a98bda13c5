"""Bookings are written with licences of several pools and sources: shares, named and emergency licences, borrowed ones.

The functions of 0007, which say what each meeting holds, in what is about licences.
"""

from django.db import migrations

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
    DELETE FROM bookings_roomhold WHERE expires_at <= at AND room_id = ANY (rooms);
    DELETE FROM bookings_licencehold WHERE expires_at <= at AND pool_id = ANY (pools);
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

MOVE = r"""
-- Change meetings that are there already: give up what they shall no longer hold, move what they keep.
CREATE OR REPLACE FUNCTION booking_move_meetings(the_booking bigint, given jsonb) RETURNS void
LANGUAGE plpgsql __planner__ AS $$
BEGIN
    UPDATE bookings_occurrence occurrence SET original_start_at = original, starts_at = starts, ends_at = ends,
        local_start = meeting.local_start, local_end = meeting.local_end, status = 'confirmed',
        has_own_time = own_time, has_own_rooms = own_rooms, own_title = meeting.own_title,
        own_description = meeting.own_description
    FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint, original timestamptz, starts timestamptz,
        ends timestamptz, local_start text, local_end text, own_time boolean, own_rooms boolean, own_title text,
        own_description text)
    WHERE occurrence.id = meeting.id AND occurrence.booking_id = the_booking;

    UPDATE bookings_roomhold hold SET live = false
    FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint, rooms bigint[])
    WHERE hold.occurrence_id = meeting.id AND hold.live AND hold.room_id <> ALL (meeting.rooms);
    UPDATE bookings_roomhold hold SET period = moved.period, position = moved.position
    FROM (
        SELECT occurrence.id AS occurrence_id, room.id AS room_id, wanted.position - 1 AS position,
            tstzrange(occurrence.starts_at - room.setup, occurrence.ends_at + room.clearing) AS period
        FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint, rooms bigint[])
        JOIN bookings_occurrence occurrence ON occurrence.id = meeting.id
        CROSS JOIN unnest(meeting.rooms) WITH ORDINALITY AS wanted(room_id, position)
        JOIN rooms_room room ON room.id = wanted.room_id
    ) AS moved
    WHERE hold.occurrence_id = moved.occurrence_id AND hold.room_id = moved.room_id AND hold.live
        AND (hold.period, hold.position::bigint) IS DISTINCT FROM (moved.period, moved.position);

    UPDATE bookings_licencehold hold SET live = false
    FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint, licences jsonb)
    WHERE hold.occurrence_id = meeting.id AND hold.live AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(meeting.licences) AS wanted(pool bigint, site bigint, source text, named bigint)
        WHERE wanted.pool = hold.pool_id AND wanted.site IS NOT DISTINCT FROM hold.site_id
            AND wanted.source = hold.source AND wanted.named IS NOT DISTINCT FROM hold.named_id
    );
    -- What was kept in a pool that had become too small stays so only where it asks for nothing more.
    UPDATE bookings_licencehold hold SET period = tstzrange(starts_at, ends_at), seats = wanted.seats,
        borrowed_by_id = wanted.borrower,
        kept = kept AND hold.period @> tstzrange(starts_at, ends_at) AND hold.seats >= wanted.seats
    FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint, licences jsonb)
    JOIN bookings_occurrence occurrence ON occurrence.id = meeting.id
    CROSS JOIN jsonb_to_recordset(meeting.licences) AS wanted(pool bigint, site bigint, seats int, source text,
        named bigint, borrower bigint)
    WHERE hold.occurrence_id = meeting.id AND hold.live AND hold.pool_id = wanted.pool
        AND hold.site_id IS NOT DISTINCT FROM wanted.site AND hold.source = wanted.source
        AND hold.named_id IS NOT DISTINCT FROM wanted.named
        AND (hold.period, hold.seats::int, hold.borrowed_by_id)
            IS DISTINCT FROM (tstzrange(starts_at, ends_at), wanted.seats, wanted.borrower);

    UPDATE bookings_equipmenthold hold SET live = false
    FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint)
    WHERE hold.occurrence_id = meeting.id AND hold.live
        AND hold.equipment_id NOT IN (SELECT id FROM jsonb_to_recordset(given->'movable') AS piece(id bigint));
    UPDATE bookings_equipmenthold hold SET period = tstzrange(starts_at, ends_at), quantity = piece.quantity
    FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint)
    JOIN bookings_occurrence occurrence ON occurrence.id = meeting.id
    CROSS JOIN jsonb_to_recordset(given->'movable') AS piece(id bigint, quantity int)
    WHERE hold.occurrence_id = meeting.id AND hold.live AND hold.equipment_id = piece.id
        AND (hold.period, hold.quantity::int) IS DISTINCT FROM (tstzrange(starts_at, ends_at), piece.quantity);
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0012_guard_licences_by_source")]

    operations = [migrations.RunSQL((MOVE + HOLD).replace("__planner__", PLANNER))]
