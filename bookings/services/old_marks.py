"""Puts the marks together by which boards of days long past are known, and the office: one does for all."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

#: How long the marks of a day are kept one by one.
MARKS_KEPT_FOR = timedelta(days=30)
# Each day that a mark was on gets a new one, so its board is known by other marks than ever before, and never by none,
# as before anything was booked. A mark of a whole day by UTC is one of these already.
_MERGE = """
WITH old AS (
    DELETE FROM bookings_boardchange
    WHERE starts_at > '-infinity' AND starts_at < %(before)s AND ends_at < %(before)s
        AND NOT (starts_at = date_trunc('day', starts_at, 'UTC') AND ends_at - starts_at = interval '1 day')
    RETURNING starts_at, ends_at
), days AS (
    SELECT DISTINCT generate_series(date_trunc('day', starts_at, 'UTC'), ends_at, interval '1 day') AS day FROM old
)
INSERT INTO bookings_boardchange (starts_at, ends_at) SELECT day, day + interval '1 day' FROM days
"""
# Changes of the office are few and stay in its marks for good, which every booking reads: now and then they become one.
_MERGE_OFFICE = """
WITH old AS (
    DELETE FROM bookings_boardchange WHERE starts_at = '-infinity'
        AND (SELECT count(*) FROM bookings_boardchange WHERE starts_at = '-infinity') > %s
    RETURNING starts_at
)
INSERT INTO bookings_boardchange (starts_at, ends_at)
SELECT '-infinity', 'infinity' WHERE EXISTS (SELECT FROM old)
"""
#: So many changes of the office are known one by one.
MOST_OFFICE_MARKS = 100


def merge_old_marks(now: datetime) -> int:
    """Give each day that ended MARKS_KEPT_FOR before `now` one mark for all that its board is known by (decision 0026).

    Return how many days. Boards of these days are read once more by whoever has them. So is the office, of which no
    more than MOST_OFFICE_MARKS are kept.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MERGE_OFFICE, [MOST_OFFICE_MARKS])
        cursor.execute(_MERGE, {"before": now - MARKS_KEPT_FOR})
        return cursor.rowcount
