"""The guard of licences learns of loans, emergency seats, named licences, and holds that are kept in a smaller pool.

What binds a pool on a day are its terms: what adds seats and what takes some away, for all or for a site. The rule
itself stays what it was (0006). A hold that is kept counts against whatever comes new; it is no reason to refuse a
change of the terms, since whoever made the pool smaller chose to keep it.
"""

from django.db import migrations

PLANNER = """
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off
SET jit = off
"""

# No SET clause and one SELECT, so that it is inlined into the statements that call it.
TERMS = r"""
-- What adds seats to a pool or takes some away, from midnight to midnight of the pool's zone: `is_share` of the site,
-- otherwise of what is granted for general use. Loans move seats between shares. Emergency seats and named licences are
-- granted to few; a named licence of a site comes out of its share as well.
CREATE FUNCTION licence_terms(the_pool bigint)
RETURNS TABLE (is_share boolean, site_id bigint, seats int, valid_from date, valid_to date, begins timestamptz,
    ends timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT term.is_share, term.site_id, term.seats, term.valid_from, term.valid_to,
        term.valid_from::timestamp AT TIME ZONE pool.time_zone,
        coalesce((term.valid_to + 1)::timestamp AT TIME ZONE pool.time_zone, 'infinity')
    FROM rooms_licencepool pool CROSS JOIN LATERAL (
        SELECT false AS is_share, NULL::bigint AS site_id, item.seats::int AS seats, item.valid_from, item.valid_to
        FROM rooms_licencegrant item WHERE item.pool_id = pool.id
        UNION ALL SELECT true, item.site_id, item.seats::int, item.valid_from, item.valid_to
        FROM rooms_siteshare item WHERE item.pool_id = pool.id
        UNION ALL SELECT true, item.lender_id, -item.seats::int, item.valid_from, item.valid_to
        FROM rooms_licenceloan item WHERE item.pool_id = pool.id
        UNION ALL SELECT true, item.borrower_id, item.seats::int, item.valid_from, item.valid_to
        FROM rooms_licenceloan item WHERE item.pool_id = pool.id
        UNION ALL SELECT false, NULL, -item.seats::int, item.valid_from, item.valid_to
        FROM rooms_emergencyseats item WHERE item.pool_id = pool.id
        UNION ALL SELECT false, NULL, -1, item.valid_from, item.valid_to
        FROM rooms_namedlicence item WHERE item.pool_id = pool.id
        UNION ALL SELECT true, item.site_id, -1, item.valid_from, item.valid_to
        FROM rooms_namedlicence item WHERE item.pool_id = pool.id AND item.site_id IS NOT NULL
    ) AS term WHERE pool.id = the_pool
$$;
"""

OVERUSE = r"""
-- The first instant inside the spans at which the pool is over-used, or NULL: a sweep over everything that begins or
-- ends there. For each span (named by its beginning `a`) and site it adds up use and share, then what sites use beyond
-- their shares, and compares it with the reserve. `with_kept`: holds that are kept count too.
CREATE FUNCTION licence_first_overuse(the_pool bigint, with_kept boolean, VARIADIC spans tstzrange[])
RETURNS timestamptz LANGUAGE plpgsql VOLATILE __planner__ AS $$
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
        WHERE source = 'share' AND (with_kept OR NOT kept)
        GROUP BY 1, 2, 3, 4
    ), terms AS MATERIALIZED (
        SELECT is_share, site_id, seats, begins, ends FROM licence_terms(the_pool)
    ), within AS MATERIALIZED (
        SELECT a, is_share, site_id, greatest(a, begins) AS begins, CASE WHEN ends < b THEN ends END AS ends, seats
        FROM span JOIN terms ON begins < b AND ends > a
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
    SELECT min(at) INTO found FROM balances
    WHERE used > 0 AND (used > granted OR beyond > greatest(0, granted - share));
    RETURN found;
END
$$;

-- Those of the spans in which the pool might be over-used: everything that touches a span, as if all of it met at one
-- instant, against what is there for certain: what is added counts where it covers the span, what is taken away where
-- it touches it. Most spans are done with here, for half the price.
CREATE FUNCTION licence_crowded_spans(the_pool bigint, spans tstzrange[]) RETURNS tstzrange[]
LANGUAGE plpgsql VOLATILE __planner__ AS $$
DECLARE
    found tstzrange[];
BEGIN
    WITH span AS MATERIALIZED (
        SELECT lower(s) AS a, max(coalesce(upper(s), 'infinity')) AS b FROM unnest(spans) AS s GROUP BY lower(s)
    ), touching AS (
        SELECT a, b, site_id, sum(seats::int)::int AS used
        FROM span JOIN bookings_licencehold ON pool_id = the_pool AND live
            AND lower(period) < b AND lower(period) > a - interval '36 hours' AND upper(period) > a
        WHERE source = 'share'
        GROUP BY a, b, site_id
    ), terms AS MATERIALIZED (
        SELECT is_share, site_id, seats, begins, ends FROM licence_terms(the_pool)
    ), worst AS (
        SELECT a, b, sum(used) AS used, sum(greatest(0, used - coalesce((
            SELECT sum(seats) FROM terms WHERE is_share AND terms.site_id = touching.site_id
                AND CASE WHEN seats > 0 THEN begins <= a AND ends >= b ELSE begins < b AND ends > a END
        ), 0))) AS beyond FROM touching GROUP BY a, b
    ), certain AS (
        SELECT a, b, used, beyond, coalesce((
            SELECT sum(seats) FROM terms WHERE NOT is_share
                AND CASE WHEN seats > 0 THEN begins <= a AND ends >= b ELSE begins < b AND ends > a END
        ), 0) AS granted, coalesce((
            SELECT sum(seats) FROM terms WHERE is_share
                AND CASE WHEN seats > 0 THEN begins < b AND ends > a ELSE begins <= a AND ends >= b END
        ), 0) AS shared FROM worst
    )
    SELECT array_agg(tstzrange(a, b)) INTO found FROM certain
    WHERE used > granted OR beyond > greatest(0, granted - shared);
    RETURN found;
END
$$;

-- The first instant inside the spans at which more emergency seats are in use than there are, or NULL.
CREATE FUNCTION licence_first_emergency_overuse(the_pool bigint, with_kept boolean, spans tstzrange[])
RETURNS timestamptz LANGUAGE plpgsql VOLATILE __planner__ AS $$
DECLARE
    found timestamptz;
BEGIN
    WITH span AS MATERIALIZED (
        SELECT lower(s) AS a, max(coalesce(upper(s), 'infinity')) AS b FROM unnest(spans) AS s GROUP BY lower(s)
    ), steps AS (
        SELECT a, greatest(a, lower(period)) AS at, seats::int AS used, 0 AS there
        FROM span JOIN bookings_licencehold ON pool_id = the_pool AND live
            AND lower(period) < b AND lower(period) > a - interval '36 hours' AND upper(period) > a
        WHERE source = 'emergency' AND (with_kept OR NOT kept)
        UNION ALL SELECT a, upper(period), -seats::int, 0
        FROM span JOIN bookings_licencehold ON pool_id = the_pool AND live
            AND lower(period) < b AND lower(period) > a - interval '36 hours' AND upper(period) > a
        WHERE source = 'emergency' AND (with_kept OR NOT kept) AND upper(period) < b
        UNION ALL SELECT a, greatest(a, begins), 0, seats FROM span JOIN (
            SELECT item.seats::int AS seats, item.valid_from::timestamp AT TIME ZONE time_zone AS begins,
                coalesce((item.valid_to + 1)::timestamp AT TIME ZONE time_zone, 'infinity') AS ends
            FROM rooms_emergencyseats item JOIN rooms_licencepool pool ON pool.id = item.pool_id
            WHERE item.pool_id = the_pool
        ) AS granted ON begins < b AND ends > a
        UNION ALL SELECT a, ends, 0, -seats FROM span JOIN (
            SELECT item.seats::int AS seats, item.valid_from::timestamp AT TIME ZONE time_zone AS begins,
                (item.valid_to + 1)::timestamp AT TIME ZONE time_zone AS ends
            FROM rooms_emergencyseats item JOIN rooms_licencepool pool ON pool.id = item.pool_id
            WHERE item.pool_id = the_pool AND item.valid_to IS NOT NULL
        ) AS ended ON begins < b AND ends > a AND ends < b
    ), changes AS (
        SELECT a, at, sum(used) AS used, sum(there) AS there FROM steps GROUP BY a, at
    ), balances AS (
        SELECT at, sum(used) OVER pool AS used, sum(there) OVER pool AS there
        FROM changes WINDOW pool AS (PARTITION BY a ORDER BY at)
    )
    SELECT min(at) INTO found FROM balances WHERE used > there AND used > 0;
    RETURN found;
END
$$;
"""

REFUSE = r"""
-- Refuse over-use of general and of emergency seats. `with_kept`: false for changes of the terms, see above.
CREATE FUNCTION licence_refuse_overuse(the_pool bigint, spans tstzrange[], urgent tstzrange[], with_kept boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
BEGIN
    IF spans IS NOT NULL THEN
        spans := licence_crowded_spans(the_pool, spans);
        IF spans IS NOT NULL THEN
            at := licence_first_overuse(the_pool, with_kept, VARIADIC spans);
        END IF;
    END IF;
    IF at IS NULL AND urgent IS NOT NULL THEN
        at := licence_first_emergency_overuse(the_pool, with_kept, urgent);
    END IF;
    IF at IS NOT NULL THEN
        RAISE EXCEPTION 'licence pool % is over-used at %', the_pool, at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'licence_peak', TABLE = 'bookings_licencehold';
    END IF;
END
$$;

-- A named licence is used by sessions of its own pool, on its days.
CREATE FUNCTION licence_refuse_named(the_pool bigint, the_licence bigint, the_period tstzrange) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM rooms_namedlicence named JOIN rooms_licencepool pool ON pool.id = named.pool_id
        WHERE named.id = the_licence AND named.pool_id = the_pool AND tstzrange(
            valid_from::timestamp AT TIME ZONE time_zone, (valid_to + 1)::timestamp AT TIME ZONE time_zone
        ) @> the_period
    ) THEN
        RAISE EXCEPTION 'licence pool % has named licence % not in force at %', the_pool, the_licence, lower(the_period)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'named_licence_in_force', TABLE = 'bookings_licencehold';
    END IF;
END
$$;

-- Two functions alike but for what they look at: a transition table belongs to one kind of statement.
CREATE OR REPLACE FUNCTION licence_guard_added() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    the_pool bigint;
    spans tstzrange[];
    urgent tstzrange[];
    has_named boolean;
BEGIN
    FOR the_pool, spans, urgent, has_named IN
        SELECT pool_id, array_agg(DISTINCT period) FILTER (WHERE source = 'share'),
            array_agg(DISTINCT period) FILTER (WHERE source = 'emergency'), bool_or(named_id IS NOT NULL)
        FROM added WHERE live GROUP BY pool_id ORDER BY pool_id
    LOOP
        -- The lock makes admissions queue up; the next statement sees what those before have committed.
        PERFORM 1 FROM rooms_licencepool WHERE id = the_pool FOR NO KEY UPDATE;
        PERFORM licence_refuse_overuse(the_pool, spans, urgent, true);
        IF has_named THEN
            PERFORM licence_refuse_named(pool_id, named_id, period) FROM added
            WHERE live AND pool_id = the_pool AND named_id IS NOT NULL;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

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
        SELECT pool_id, array_agg(DISTINCT period) FILTER (WHERE source = 'share' AND is_more),
            array_agg(DISTINCT period) FILTER (WHERE source = 'emergency' AND is_more),
            array_agg(DISTINCT period) FILTER (WHERE source = 'share' AND NOT is_more AND is_let_go),
            array_agg(DISTINCT period) FILTER (WHERE source = 'emergency' AND NOT is_more AND is_let_go),
            bool_or(named_id IS NOT NULL)
        FROM (
            SELECT changed.pool_id, changed.period, changed.source, changed.named_id,
                before.kept AND NOT changed.kept AS is_let_go,
                NOT before.live OR changed.pool_id <> before.pool_id OR changed.source <> before.source
                OR changed.site_id IS DISTINCT FROM before.site_id OR changed.seats > before.seats
                OR NOT before.period @> changed.period AS is_more
            FROM changed JOIN before ON before.id = changed.id WHERE changed.live
        ) AS change
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

ALLOCATION = r"""
-- Changes of the terms of a pool: they have to fit together on every day, and to what is booked from now on, at the
-- latest when the transaction ends.
CREATE FUNCTION licence_check_terms(the_pool bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    crowded date;
    the_site bigint;
    the_hold record;
BEGIN
    PERFORM 1 FROM rooms_licencepool WHERE id = the_pool FOR NO KEY UPDATE;
    WITH terms AS MATERIALIZED (SELECT * FROM licence_terms(the_pool)),
    days AS (SELECT valid_from AS day FROM terms UNION SELECT valid_to + 1 FROM terms WHERE valid_to IS NOT NULL)
    SELECT day, site_id INTO crowded, the_site FROM days JOIN terms
        ON is_share AND valid_from <= day AND (valid_to IS NULL OR day <= valid_to)
    GROUP BY day, site_id HAVING sum(seats) < 0 ORDER BY day, site_id LIMIT 1;
    IF crowded IS NOT NULL THEN
        RAISE EXCEPTION 'licence pool % site % has less than nothing on %', the_pool, the_site, crowded
            USING ERRCODE = 'check_violation', CONSTRAINT = 'licence_share_covers_loans', TABLE = 'rooms_siteshare';
    END IF;
    WITH terms AS MATERIALIZED (SELECT * FROM licence_terms(the_pool)),
    days AS (SELECT valid_from AS day FROM terms UNION SELECT valid_to + 1 FROM terms WHERE valid_to IS NOT NULL)
    SELECT day INTO crowded FROM days JOIN terms ON valid_from <= day AND (valid_to IS NULL OR day <= valid_to)
    GROUP BY day HAVING sum(CASE WHEN is_share THEN -seats ELSE seats END) < 0 ORDER BY day LIMIT 1;
    IF crowded IS NOT NULL THEN
        RAISE EXCEPTION 'shares of licence pool % exceed its grants on %', the_pool, crowded
            USING ERRCODE = 'check_violation', CONSTRAINT = 'licence_shares_within_grant', TABLE = 'rooms_siteshare';
    END IF;
    PERFORM licence_refuse_overuse(
        the_pool, ARRAY[tstzrange(now(), NULL)], ARRAY[tstzrange(now(), NULL)], false
    );
    FOR the_hold IN
        SELECT hold.named_id, hold.period FROM rooms_namedlicence named
        JOIN bookings_licencehold hold ON hold.named_id = named.id AND hold.live AND upper(hold.period) > now()
        WHERE named.pool_id = the_pool
    LOOP
        PERFORM licence_refuse_named(the_pool, the_hold.named_id, the_hold.period);
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION licence_guard_allocation() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    the_pool bigint;
BEGIN
    FOR the_pool IN
        SELECT DISTINCT pool FROM unnest(ARRAY[
            CASE WHEN TG_OP <> 'INSERT' THEN OLD.pool_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.pool_id END
        ]) AS pool WHERE pool IS NOT NULL ORDER BY pool
    LOOP
        PERFORM licence_check_terms(the_pool);
    END LOOP;
    RETURN NULL;
END
$$;

-- Another time zone moves every midnight.
CREATE FUNCTION licence_guard_zone() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM licence_check_terms(NEW.id);
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER licence_loan_fits AFTER INSERT OR UPDATE OR DELETE
    ON rooms_licenceloan DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW EXECUTE FUNCTION licence_guard_allocation();
CREATE CONSTRAINT TRIGGER licence_emergency_fits AFTER INSERT OR UPDATE OR DELETE
    ON rooms_emergencyseats DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW EXECUTE FUNCTION licence_guard_allocation();
CREATE CONSTRAINT TRIGGER licence_named_fits AFTER INSERT OR UPDATE OR DELETE
    ON rooms_namedlicence DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW EXECUTE FUNCTION licence_guard_allocation();
CREATE CONSTRAINT TRIGGER licence_zone_fits AFTER UPDATE OF time_zone
    ON rooms_licencepool DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW WHEN (NEW.time_zone <> OLD.time_zone) EXECUTE FUNCTION licence_guard_zone();
"""

DROP_OLD = """
DROP FUNCTION licence_refuse_overuse(bigint, tstzrange[]);
DROP FUNCTION licence_crowded_spans;
DROP FUNCTION licence_first_overuse;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0011_licences_by_source")]

    # The way back is another migration forward: what loans and named licences hold would be over-use without them.
    operations = [
        migrations.RunSQL(DROP_OLD + TERMS + (OVERUSE + REFUSE + ALLOCATION).replace("__planner__", PLANNER)),
    ]
