"""Puts the marks together by which boards of days long past are known: one a day does for all."""

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


def merge_old_marks(now: datetime) -> int:
    """Give each day that ended MARKS_KEPT_FOR before `now` one mark for all that its board is known by (decision 0026).

    Return how many days. Boards of these days are read once more by whoever has them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MERGE, {"before": now - MARKS_KEPT_FOR})
        return cursor.rowcount
