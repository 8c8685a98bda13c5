"""Licence holds that a running conference has stretched.

The guard looks at the part of a hold that is new: what it held before it goes on holding, also where it is kept in a
pool that has become too small. A change of a session that does not move it leaves alone what is held before its start
or after its end; where it moves, it counts as missed no longer.
"""

from django.db import migrations

# As in 0007.
PLANNER = """
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off SET jit = off
"""

GUARD = r"""
CREATE OR REPLACE FUNCTION licence_guard_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    the_pool bigint;
    spans tstzrange[];
    urgent tstzrange[];
    let_go tstzrange[];
    let_go_urgent tstzrange[];
    has_named boolean;
BEGIN
    FOR the_pool, spans, urgent, let_go, let_go_urgent, has_named IN
        SELECT pool_id, array_agg(DISTINCT part) FILTER (WHERE source = 'share' AND part IS NOT NULL),
            array_agg(DISTINCT part) FILTER (WHERE source = 'emergency' AND part IS NOT NULL),
            array_agg(DISTINCT period) FILTER (WHERE source = 'share' AND NOT is_more AND is_let_go),
            array_agg(DISTINCT period) FILTER (WHERE source = 'emergency' AND NOT is_more AND is_let_go),
            bool_or(named_id IS NOT NULL)
        FROM (
            SELECT changed.pool_id, changed.period, changed.source, changed.named_id,
                before.kept AND NOT changed.kept AS is_let_go, before.period AS had,
                NOT before.live OR changed.pool_id <> before.pool_id OR changed.source <> before.source
                OR changed.site_id IS DISTINCT FROM before.site_id OR changed.seats > before.seats
                OR before.kept AND NOT changed.kept AS is_other,
                NOT before.live OR changed.pool_id <> before.pool_id OR changed.source <> before.source
                OR changed.site_id IS DISTINCT FROM before.site_id OR changed.seats > before.seats
                OR NOT before.period @> changed.period AS is_more
            FROM changed JOIN before ON before.id = changed.id WHERE changed.live
        ) AS change
        -- Of the same seats only the time that is new; of others all of it.
        LEFT JOIN LATERAL unnest(
            CASE WHEN is_other THEN tstzmultirange(period) ELSE tstzmultirange(period) - tstzmultirange(had) END
        ) AS part ON is_more
        WHERE is_more OR is_let_go OR named_id IS NOT NULL
        GROUP BY pool_id ORDER BY pool_id
    LOOP
        PERFORM 1 FROM rooms_licencepool WHERE id = the_pool FOR NO KEY UPDATE;
        PERFORM licence_refuse_overuse(the_pool, spans, urgent, true);
        -- What is kept no longer has to fit beside what is not kept either.
        PERFORM licence_refuse_overuse(the_pool, let_go, let_go_urgent, false);
        IF has_named THEN
            PERFORM licence_refuse_named(pool_id, named_id, period) FROM changed
            WHERE live AND pool_id = the_pool AND named_id IS NOT NULL;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
"""

MOVE = r"""
-- Change meetings that are there already: give up what they shall no longer hold, move what they keep.
CREATE OR REPLACE FUNCTION booking_move_meetings(the_booking bigint, given jsonb) RETURNS void
LANGUAGE plpgsql __planner__ AS $$
DECLARE
    -- The times of these meetings until now, by key.
    had jsonb := (SELECT coalesce(jsonb_object_agg(meeting.id, jsonb_build_array(occurrence.starts_at,
            occurrence.ends_at)), '{}')
        FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint)
        JOIN bookings_occurrence occurrence ON occurrence.id = meeting.id);
BEGIN
    UPDATE bookings_occurrence occurrence SET original_start_at = original, starts_at = starts, ends_at = ends,
        local_start = meeting.local_start, local_end = meeting.local_end, status = 'confirmed',
        has_own_time = own_time, has_own_rooms = own_rooms, own_title = meeting.own_title,
        own_description = meeting.own_description,
        no_show_at = CASE WHEN occurrence.starts_at = starts THEN no_show_at END
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
    -- What was kept in a pool that had become too small stays so only where it asks for nothing more. A conference may
    -- have been opened earlier, or run on: an end that does not move leaves what is held beyond it alone.
    UPDATE bookings_licencehold hold SET period = moved.period, seats = moved.seats, borrowed_by_id = moved.borrower,
        kept = kept AND hold.period @> moved.period AND hold.seats >= moved.seats
    FROM (
        SELECT own.id, wanted.seats, wanted.borrower, tstzrange(
            CASE WHEN wanted.seats <= own.seats AND starts_at = (had->meeting.id::text->>0)::timestamptz
                    AND upper(own.period) >= (had->meeting.id::text->>1)::timestamptz AND lower(own.period) < ends_at
                THEN lower(own.period)
                -- Somebody is in the conference that was opened early, and stays in it.
                WHEN wanted.seats <= own.seats AND own.period @> (given->>'at')::timestamptz
                    AND starts_at > (given->>'at')::timestamptz AND starts_at <= upper(own.period)
                    AND ends_at - lower(own.period) <= interval '36 hours'
                    AND EXISTS (SELECT FROM bookings_conferencerun run
                        WHERE run.occurrence_id = occurrence.id AND run.ended_at IS NULL)
                THEN lower(own.period)
                ELSE starts_at END,
            CASE WHEN wanted.seats <= own.seats AND starts_at = (had->meeting.id::text->>0)::timestamptz
                    AND ends_at = (had->meeting.id::text->>1)::timestamptz
                THEN greatest(upper(own.period), ends_at)
                ELSE ends_at END) AS period
        FROM jsonb_to_recordset(given->'meetings') AS meeting(id bigint, licences jsonb)
        JOIN bookings_occurrence occurrence ON occurrence.id = meeting.id
        CROSS JOIN jsonb_to_recordset(meeting.licences) AS wanted(pool bigint, site bigint, seats int, source text,
            named bigint, borrower bigint)
        JOIN bookings_licencehold own ON own.occurrence_id = meeting.id AND own.live AND own.pool_id = wanted.pool
            AND own.site_id IS NOT DISTINCT FROM wanted.site AND own.source = wanted.source
            AND own.named_id IS NOT DISTINCT FROM wanted.named
    ) AS moved
    WHERE hold.id = moved.id AND (hold.period, hold.seats::int, hold.borrowed_by_id)
        IS DISTINCT FROM (moved.period, moved.seats, moved.borrower);

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
    dependencies = [("bookings", "0017_what_happens_in_conferences")]

    operations = [migrations.RunSQL(GUARD + MOVE.replace("__planner__", PLANNER))]
