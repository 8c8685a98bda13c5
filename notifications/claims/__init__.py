"""Which mail a worker owns. Due rows are found by query and leased; the database alone says who may send what.

The life of a row: queued -> sending (leased) -> sent, or retrying -> sending ..., or failed, or superseded.
Mails to one address about one booking never overtake each other (calendar-mail.md P11), nor does the rest of a series
that was split overtake what its first part still has to say (D7): a row is only taken when no older one in its line is
unfinished. A worker that is killed at any point loses nothing: its leases run out.
Mails about accounts stand in no line. Whatever ends one of them forgets its bytes in the same statement.
"""

from notifications.claims.rows import BATCH, Setback, delay_after, lease
from notifications.claims.taking import claim
from notifications.claims.tries import begin, call_off, drop, finish, park, put_off, release

__all__ = [
    "BATCH",
    "Setback",
    "begin",
    "call_off",
    "claim",
    "delay_after",
    "drop",
    "finish",
    "lease",
    "park",
    "put_off",
    "release",
]
