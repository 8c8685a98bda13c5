"""The guards of licences and movable equipment look at a whole statement at once: a series of 52 dates is one check.

Both rules stand in Python too (`rooms/licences.py`, `bookings/availability`), for messages and searches; property tests
compare them. The plans of the functions are kept and can't go astray: no hold is longer than 36 hours, so what overlaps
a span begins within 36 hours before it, and the index on beginnings and ends finds it without reading anything else.
"""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields.ranges import RangeEndsWith, RangeOperators, RangeStartsWith
from django.db import migrations, models
from django.db.models import Q

# Generic plans, so that a call never plans; the index, whatever the statistics of an empty or a growing table say.
LICENCES = r"""
-- The first instant inside the spans at which the pool is over-used, or NULL: a sweep over everything that begins or
-- ends there. For each span (named by its beginning `a`) and site it adds up use and share, then what sites use beyond
-- their shares, and compares it with the reserve.
CREATE FUNCTION licence_first_overuse(the_pool bigint, VARIADIC spans tstzrange[]) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off
SET jit = off
AS $$
DECLARE
    found timestamptz;
BEGIN
    WITH span AS MATERIALIZED (
        SELECT lower(s) AS a, max(coalesce(upper(s), 'infinity')) AS b FROM unnest(spans) AS s GROUP BY lower(s)
    ), uses AS MATERIALIZED (
        SELECT a, site_id, greatest(a, lower(period)) AS begins,
            CASE WHEN upper(period) < b THEN upper(period) END AS ends, sum(seats::int)::int AS seats
        FROM span JOIN bookings_licencehold ON pool_id = the_pool AND live
            AND lower(period) < b AND lower(period) > a - interval '36 hours' AND upper(period) > a
        GROUP BY 1, 2, 3, 4
    ), terms AS MATERIALIZED (
        SELECT false AS is_share, NULL::bigint AS site_id, seats, valid_from, valid_to
        FROM rooms_licencegrant WHERE pool_id = the_pool
        UNION ALL
        SELECT true, site_id, seats, valid_from, valid_to FROM rooms_siteshare WHERE pool_id = the_pool
    ), dated AS MATERIALIZED (
        SELECT is_share, site_id, seats::int AS seats, valid_from::timestamp AT TIME ZONE time_zone AS begins,
            coalesce((valid_to + 1)::timestamp AT TIME ZONE time_zone, 'infinity') AS ends
        FROM terms, (SELECT time_zone FROM rooms_licencepool WHERE id = the_pool) AS pool
    ), within AS MATERIALIZED (
        SELECT a, is_share, site_id, greatest(a, begins) AS begins, CASE WHEN ends < b THEN ends END AS ends, seats
        FROM span JOIN dated ON begins < b AND ends > a
    ), steps AS (
        SELECT a, site_id, begins AS at, seats AS used, 0 AS share, 0 AS granted FROM uses
        UNION ALL SELECT a, site_id, ends, -seats, 0, 0 FROM uses WHERE ends IS NOT NULL
        UNION ALL SELECT a, site_id, begins, 0, CASE WHEN is_share THEN seats ELSE 0 END,
            CASE WHEN is_share THEN 0 ELSE seats END FROM within
        UNION ALL SELECT a, site_id, ends, 0, CASE WHEN is_share THEN -seats ELSE 0 END,
            CASE WHEN is_share THEN 0 ELSE -seats END FROM within WHERE ends IS NOT NULL
    ), changes AS (
        SELECT a, site_id, at, sum(used)::int AS used, sum(share)::int AS share, sum(granted)::int AS granted
        FROM steps GROUP BY a, site_id, at
    ), by_site AS (
        SELECT a, site_id, at, used, share, granted,
            greatest(0, sum(used) OVER site - sum(share) OVER site)::int AS beyond
        FROM changes WINDOW site AS (PARTITION BY a, site_id ORDER BY at)
    ), marginal AS (
        SELECT a, at, used, share, granted,
            beyond - lag(beyond, 1, 0) OVER (PARTITION BY a, site_id ORDER BY at) AS beyond
        FROM by_site
    ), balances AS (
        SELECT at, sum(used) OVER pool AS used, sum(share) OVER pool AS share, sum(granted) OVER pool AS granted,
            sum(beyond) OVER pool AS beyond
        FROM marginal WINDOW pool AS (PARTITION BY a ORDER BY at)
    )
    SELECT min(at) INTO found FROM balances WHERE used > granted OR beyond > greatest(0, granted - share);
    RETURN found;
END
$$;

-- Those of the spans in which the pool might be over-used: everything that touches a span, as if all of it met at one
-- instant, against what is granted and shared for certain. Most spans are done with here, for half the price.
CREATE FUNCTION licence_crowded_spans(the_pool bigint, spans tstzrange[]) RETURNS tstzrange[]
LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off
SET jit = off
AS $$
DECLARE
    found tstzrange[];
BEGIN
    WITH span AS MATERIALIZED (
        SELECT lower(s) AS a, max(coalesce(upper(s), 'infinity')) AS b FROM unnest(spans) AS s GROUP BY lower(s)
    ), touching AS (
        SELECT a, b, site_id, sum(seats::int)::int AS used
        FROM span JOIN bookings_licencehold ON pool_id = the_pool AND live
            AND lower(period) < b AND lower(period) > a - interval '36 hours' AND upper(period) > a
        GROUP BY a, b, site_id
    ), pool AS MATERIALIZED (
        SELECT time_zone FROM rooms_licencepool WHERE id = the_pool
    ), granted AS MATERIALIZED (
        SELECT seats::int AS seats, valid_from::timestamp AT TIME ZONE time_zone AS begins,
            coalesce((valid_to + 1)::timestamp AT TIME ZONE time_zone, 'infinity') AS ends
        FROM rooms_licencegrant, pool WHERE pool_id = the_pool
    ), shared AS MATERIALIZED (
        SELECT site_id, seats::int AS seats, valid_from::timestamp AT TIME ZONE time_zone AS begins,
            coalesce((valid_to + 1)::timestamp AT TIME ZONE time_zone, 'infinity') AS ends
        FROM rooms_siteshare, pool WHERE pool_id = the_pool
    ), worst AS (
        SELECT a, b, sum(used) AS used, sum(greatest(0, used - coalesce((
            SELECT sum(seats) FROM shared WHERE shared.site_id = touching.site_id AND begins <= a AND ends >= b
        ), 0))) AS beyond FROM touching GROUP BY a, b
    ), certain AS (
        SELECT a, b, used, beyond,
            coalesce((SELECT sum(seats) FROM granted WHERE begins <= a AND ends >= b), 0) AS granted,
            coalesce((SELECT sum(seats) FROM shared WHERE begins < b AND ends > a), 0) AS shared
        FROM worst
    )
    SELECT array_agg(tstzrange(a, b)) INTO found FROM certain
    WHERE used > granted OR beyond > greatest(0, granted - shared);
    RETURN found;
END
$$;

CREATE FUNCTION licence_refuse_overuse(the_pool bigint, spans tstzrange[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
BEGIN
    spans := licence_crowded_spans(the_pool, spans);
    IF spans IS NULL THEN
        RETURN;
    END IF;
    at := licence_first_overuse(the_pool, VARIADIC spans);
    IF at IS NOT NULL THEN
        RAISE EXCEPTION 'licence pool % is over-used at %', the_pool, at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'licence_peak', TABLE = 'bookings_licencehold';
    END IF;
END
$$;

-- Two functions alike but for what they look at: a transition table belongs to one kind of statement.
CREATE FUNCTION licence_guard_added() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    the_pool bigint;
    spans tstzrange[];
BEGIN
    FOR the_pool, spans IN
        SELECT pool_id, array_agg(DISTINCT period) FROM added WHERE live GROUP BY pool_id ORDER BY pool_id
    LOOP
        -- The lock makes admissions queue up; the next statement sees what those before have committed.
        PERFORM 1 FROM rooms_licencepool WHERE id = the_pool FOR NO KEY UPDATE;
        PERFORM licence_refuse_overuse(the_pool, spans);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE FUNCTION licence_guard_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    the_pool bigint;
    spans tstzrange[];
BEGIN
    FOR the_pool, spans IN
        SELECT changed.pool_id, array_agg(DISTINCT changed.period) FROM changed JOIN before ON before.id = changed.id
        WHERE changed.live AND (
            NOT before.live OR changed.pool_id <> before.pool_id OR changed.site_id IS DISTINCT FROM before.site_id
            OR changed.seats > before.seats OR NOT before.period @> changed.period
        )
        GROUP BY changed.pool_id ORDER BY changed.pool_id
    LOOP
        PERFORM 1 FROM rooms_licencepool WHERE id = the_pool FOR NO KEY UPDATE;
        PERFORM licence_refuse_overuse(the_pool, spans);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE TRIGGER licence_peak_of_new AFTER INSERT ON bookings_licencehold
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION licence_guard_added();
CREATE TRIGGER licence_peak_of_changed AFTER UPDATE ON bookings_licencehold
    REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION licence_guard_changed();
"""

# Changes of grants and shares are checked row by row as before, at the latest when the transaction ends.
ALLOCATION = r"""
CREATE OR REPLACE FUNCTION licence_guard_allocation() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    the_pool bigint;
    crowded date;
BEGIN
    FOR the_pool IN
        SELECT DISTINCT pool FROM unnest(ARRAY[
            CASE WHEN TG_OP <> 'INSERT' THEN OLD.pool_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.pool_id END
        ]) AS pool WHERE pool IS NOT NULL ORDER BY pool
    LOOP
        PERFORM 1 FROM rooms_licencepool WHERE id = the_pool FOR NO KEY UPDATE;
        SELECT min(day) INTO crowded FROM (
            SELECT valid_from AS day FROM rooms_siteshare WHERE pool_id = the_pool
            UNION SELECT valid_to + 1 FROM rooms_licencegrant WHERE pool_id = the_pool AND valid_to IS NOT NULL
        ) AS days WHERE
            (SELECT coalesce(sum(seats), 0) FROM rooms_siteshare
             WHERE pool_id = the_pool AND daterange(valid_from, valid_to, '[]') @> day)
            > (SELECT coalesce(sum(seats), 0) FROM rooms_licencegrant
               WHERE pool_id = the_pool AND daterange(valid_from, valid_to, '[]') @> day);
        IF crowded IS NOT NULL THEN
            RAISE EXCEPTION 'shares of licence pool % exceed its grants on %', the_pool, crowded
                USING ERRCODE = 'check_violation', CONSTRAINT = 'licence_shares_within_grant', TABLE = 'rooms_siteshare';
        END IF;
        PERFORM licence_refuse_overuse(the_pool, ARRAY[tstzrange(now(), NULL)]);
    END LOOP;
    RETURN NULL;
END
$$;
"""

EQUIPMENT = r"""
-- The first instant inside the spans at which more pieces are held than there are, or NULL.
CREATE FUNCTION equipment_first_overuse(the_equipment bigint, VARIADIC spans tstzrange[]) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off
SET jit = off
AS $$
DECLARE
    found timestamptz;
BEGIN
    WITH span AS MATERIALIZED (
        SELECT lower(s) AS a, max(coalesce(upper(s), 'infinity')) AS b FROM unnest(spans) AS s GROUP BY lower(s)
    ), uses AS MATERIALIZED (
        SELECT a, greatest(a, lower(period)) AS begins, CASE WHEN upper(period) < b THEN upper(period) END AS ends,
            quantity::int AS pieces
        FROM span JOIN bookings_equipmenthold ON equipment_id = the_equipment AND live
            AND lower(period) < b AND lower(period) > a - interval '36 hours' AND upper(period) > a
    ), steps AS (
        SELECT a, begins AS at, pieces FROM uses UNION ALL SELECT a, ends, -pieces FROM uses WHERE ends IS NOT NULL
    ), balances AS (
        SELECT at, sum(pieces) OVER (PARTITION BY a ORDER BY at) AS held FROM steps
    )
    SELECT min(at) INTO found FROM balances
    WHERE held > (SELECT quantity FROM rooms_movableequipment WHERE id = the_equipment);
    RETURN found;
END
$$;

CREATE FUNCTION equipment_refuse_overuse(the_equipment bigint, spans tstzrange[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
BEGIN
    at := equipment_first_overuse(the_equipment, VARIADIC spans);
    IF at IS NOT NULL THEN
        RAISE EXCEPTION 'more pieces of movable equipment % are held than there are at %', the_equipment, at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'equipment_peak', TABLE = 'bookings_equipmenthold';
    END IF;
END
$$;

CREATE FUNCTION equipment_guard_added() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    the_equipment bigint;
    spans tstzrange[];
BEGIN
    FOR the_equipment, spans IN
        SELECT equipment_id, array_agg(DISTINCT period) FROM added WHERE live GROUP BY equipment_id ORDER BY equipment_id
    LOOP
        PERFORM 1 FROM rooms_movableequipment WHERE id = the_equipment FOR NO KEY UPDATE;
        PERFORM equipment_refuse_overuse(the_equipment, spans);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE FUNCTION equipment_guard_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    the_equipment bigint;
    spans tstzrange[];
BEGIN
    FOR the_equipment, spans IN
        SELECT changed.equipment_id, array_agg(DISTINCT changed.period)
        FROM changed JOIN before ON before.id = changed.id
        WHERE changed.live AND (
            NOT before.live OR changed.equipment_id <> before.equipment_id OR changed.quantity > before.quantity
            OR NOT before.period @> changed.period
        )
        GROUP BY changed.equipment_id ORDER BY changed.equipment_id
    LOOP
        PERFORM 1 FROM rooms_movableequipment WHERE id = the_equipment FOR NO KEY UPDATE;
        PERFORM equipment_refuse_overuse(the_equipment, spans);
    END LOOP;
    RETURN NULL;
END
$$;

-- Fewer pieces than are held from now on. The row is locked by the update itself.
CREATE FUNCTION equipment_guard_quantity() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM equipment_refuse_overuse(NEW.id, ARRAY[tstzrange(now(), NULL)]);
    RETURN NULL;
END
$$;

CREATE TRIGGER equipment_peak_of_new AFTER INSERT ON bookings_equipmenthold
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION equipment_guard_added();
CREATE TRIGGER equipment_peak_of_changed AFTER UPDATE ON bookings_equipmenthold
    REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION equipment_guard_changed();
CREATE TRIGGER equipment_quantity_covers_holds AFTER UPDATE OF quantity ON rooms_movableequipment
    FOR EACH ROW WHEN (NEW.quantity < OLD.quantity) EXECUTE FUNCTION equipment_guard_quantity();
"""

DROP_OLD = """
DROP TRIGGER licence_peak ON bookings_licencehold;
DROP FUNCTION licence_guard_hold;
DROP FUNCTION licence_refuse_overuse;
DROP FUNCTION licence_first_overuse;
"""

STARTS = {"roomhold": ("room", "room_hold_starts"), "licencehold": ("pool", "licence_hold_starts")}
STARTS["equipmenthold"] = ("equipment", "equipment_hold_starts")


def _indexed_by_both_ends(model: str, name: str, resource: str) -> list[migrations.operations.base.Operation]:
    ends = (RangeStartsWith("period"), RangeEndsWith("period"))
    return [
        migrations.RemoveIndex(model_name=model, name=name),
        migrations.AddIndex(model_name=model, index=models.Index(resource, *ends, name=name, condition=Q(live=True))),
    ]


class Migration(migrations.Migration):
    dependencies = [("bookings", "0005_series_holds_and_waiting"), ("rooms", "0002_closures_and_rules")]

    operations = [
        *(
            operation
            for model, (resource, name) in STARTS.items()
            for operation in _indexed_by_both_ends(model, name, resource)
        ),
        # Checked when a statement ends instead of row by row, so that a series can be moved over its own old times.
        migrations.RemoveConstraint(model_name="roomhold", name="room_held_once"),
        migrations.AddConstraint(
            model_name="roomhold",
            constraint=ExclusionConstraint(
                name="room_held_once",
                expressions=[("room", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
                condition=Q(live=True),
                deferrable=models.Deferrable.IMMEDIATE,
            ),
        ),
        # The way back is another migration forward: the old guard probed an index that is gone.
        migrations.RunSQL(DROP_OLD + LICENCES + ALLOCATION + EQUIPMENT),
    ]
