"""No instant uses more licences than the pool has: a trigger refuses it, whatever code wrote the row.

The rule stands in `rooms/licences.py` too, for messages and searches; a property test compares the two.
"""

from django.db import migrations

FUNCTIONS = r"""
-- The first instant inside `span` at which the pool is over-used, or NULL. Instants at which it can get worse are the
-- beginning of the span, the starts of holds and the days on which grants and shares begin or end.
CREATE FUNCTION licence_first_overuse(the_pool bigint, span tstzrange) RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$
    WITH pool AS (
        SELECT time_zone FROM rooms_licencepool WHERE id = the_pool
    ), grants AS (
        SELECT seats, tstzrange(valid_from::timestamp AT TIME ZONE time_zone,
                                (valid_to + 1)::timestamp AT TIME ZONE time_zone) AS period
        FROM rooms_licencegrant, pool WHERE pool_id = the_pool
    ), shares AS (
        SELECT site_id, seats, tstzrange(valid_from::timestamp AT TIME ZONE time_zone,
                                         (valid_to + 1)::timestamp AT TIME ZONE time_zone) AS period
        FROM rooms_siteshare, pool WHERE pool_id = the_pool
    ), uses AS MATERIALIZED (
        SELECT site_id, seats, period FROM bookings_licencehold
        WHERE pool_id = the_pool AND live AND period && span
    ), instants AS (
        SELECT lower(span) AS at
        UNION SELECT lower(period) FROM uses WHERE lower(period) <@ span
        UNION SELECT lower(period) FROM grants WHERE lower(period) <@ span
        UNION SELECT upper(period) FROM grants WHERE upper(period) <@ span
        UNION SELECT lower(period) FROM shares WHERE lower(period) <@ span
        UNION SELECT upper(period) FROM shares WHERE upper(period) <@ span
    ), balances AS (
        SELECT at,
            (SELECT coalesce(sum(seats), 0) FROM grants WHERE period @> at) AS granted,
            (SELECT coalesce(sum(seats), 0) FROM shares WHERE period @> at) AS shared,
            coalesce(sum(site.used), 0) AS used,
            coalesce(sum(greatest(0, site.used - site.share)), 0) AS beyond
        FROM instants
        LEFT JOIN LATERAL (
            SELECT sum(uses.seats) AS used,
                (SELECT coalesce(sum(shares.seats), 0) FROM shares
                 WHERE shares.site_id = uses.site_id AND shares.period @> at) AS share
            FROM uses WHERE uses.period @> at GROUP BY uses.site_id
        ) AS site ON true
        GROUP BY at
    )
    SELECT min(at) FROM balances
    WHERE used > granted OR beyond > greatest(0, granted - shared)
$$;

CREATE FUNCTION licence_refuse_overuse(the_pool bigint, span tstzrange) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
BEGIN
    at := licence_first_overuse(the_pool, span);
    IF at IS NOT NULL THEN
        RAISE EXCEPTION 'licence pool % is over-used at %', the_pool, at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'licence_peak', TABLE = 'bookings_licencehold';
    END IF;
END
$$;

CREATE FUNCTION licence_guard_hold() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- The lock makes admissions queue up; the next statement sees what those before have committed.
    PERFORM 1 FROM rooms_licencepool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
    PERFORM licence_refuse_overuse(NEW.pool_id, NEW.period);
    RETURN NULL;
END
$$;

CREATE FUNCTION licence_guard_allocation() RETURNS trigger
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
        PERFORM licence_refuse_overuse(the_pool, tstzrange(now(), NULL));
    END LOOP;
    RETURN NULL;
END
$$;
"""

TRIGGERS = """
CREATE CONSTRAINT TRIGGER licence_peak AFTER INSERT OR UPDATE OF pool_id, site_id, seats, period, live
    ON bookings_licencehold DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW WHEN (NEW.live) EXECUTE FUNCTION licence_guard_hold();
CREATE CONSTRAINT TRIGGER licence_grant_fits AFTER INSERT OR UPDATE OR DELETE
    ON rooms_licencegrant DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW EXECUTE FUNCTION licence_guard_allocation();
CREATE CONSTRAINT TRIGGER licence_share_fits AFTER INSERT OR UPDATE OR DELETE
    ON rooms_siteshare DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW EXECUTE FUNCTION licence_guard_allocation();
"""

DROP = """
DROP TRIGGER licence_peak ON bookings_licencehold;
DROP TRIGGER licence_grant_fits ON rooms_licencegrant;
DROP TRIGGER licence_share_fits ON rooms_siteshare;
DROP FUNCTION licence_guard_allocation;
DROP FUNCTION licence_guard_hold;
DROP FUNCTION licence_refuse_overuse;
DROP FUNCTION licence_first_overuse;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0001_bookings"), ("rooms", "0001_rooms_and_licences")]

    operations = [migrations.RunSQL(FUNCTIONS + TRIGGERS, DROP)]
