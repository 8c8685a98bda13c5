"""The rows behind a booking: what `services` writes under its locks, a fixed number of statements per change.

Nothing here checks permission or availability; only `services` calls it, and `mailing` to know what would change.
"""

from bookings.rows.answers import COUNTED_ANSWERS, Given, forget_answers, newest_answers, recount
from bookings.rows.comparing import (
    People,
    as_text,
    find_detail_change,
    find_move,
    find_own_detail_change,
    find_people_at_meeting,
    find_people_change,
    find_room_change,
    find_rooms,
    free_thread,
)
from bookings.rows.keeping import (
    cancel_meetings,
    excuse,
    expect,
    forget_single_people,
    invite,
    remove,
    renew_join_key,
    shorten,
    take_over_absences,
    withdraw_approvals,
)
from bookings.rows.reading import columns, read, width
from bookings.rows.undoing import find_held, keep_held, let_go, take_again
from bookings.rows.writing import (
    Kept,
    NewBooking,
    insert_booking,
    skipped_json,
    wishes_json,
    wishes_of,
    write_meetings,
)

__all__ = [
    "COUNTED_ANSWERS",
    "Given",
    "Kept",
    "NewBooking",
    "People",
    "as_text",
    "cancel_meetings",
    "columns",
    "excuse",
    "expect",
    "find_detail_change",
    "find_held",
    "find_move",
    "find_own_detail_change",
    "find_people_at_meeting",
    "find_people_change",
    "find_room_change",
    "find_rooms",
    "forget_answers",
    "forget_single_people",
    "free_thread",
    "insert_booking",
    "invite",
    "keep_held",
    "let_go",
    "newest_answers",
    "read",
    "recount",
    "remove",
    "renew_join_key",
    "shorten",
    "skipped_json",
    "take_again",
    "take_over_absences",
    "width",
    "wishes_json",
    "wishes_of",
    "withdraw_approvals",
    "write_meetings",
]
