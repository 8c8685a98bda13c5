"""What a real Prosody sent, byte for byte, and what Jitsi's modules made of answers.

Recorded from Prosody 0.12.3 and 13.0.1 with Jitsi's unmodified modules in November 2026 (`shared/reference/jitsi.md`,
part 2). A test puts its own key, name and address in the places of those of the recording, and nothing else.
"""

from __future__ import annotations

#: What stands in the recordings where tests have their own.
KEY = b"reservation-key-1"
NAME = b"ok-alpha"
HOST = b"127.0.0.1:15999"
PATH = b"/res/"

POST_0_12 = (
    b"POST /res/conference HTTP/1.1\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 112\r\n"
    b"User-Agent: Prosody (0.12.3; posix)\r\n"
    b"Host: 127.0.0.1:15999\r\n"
    b"Authorization: Bearer reservation-key-1\r\n"
    b"\r\n"
    b"name=ok-alpha&mail_owner=693314c8-21ea-4ce6-bc16-2247729973b8%40meet.lab&start_time=2026-11-22T14%3a46%3a59.000Z"
)
#: The same, closing the connection, with its fields in another order.
POST_13 = (
    b"POST /res/conference HTTP/1.1\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 112\r\n"
    b"User-Agent: Prosody (13.0.1; posix)\r\n"
    b"Host: 127.0.0.1:15999\r\n"
    b"Authorization: Bearer reservation-key-1\r\n"
    b"Connection: close\r\n"
    b"\r\n"
    b"start_time=2026-11-22T14%3a46%3a59.000Z&name=ok-alpha&mail_owner=693314c8-21ea-4ce6-bc16-2247729973b8%40meet.lab"
)
#: The room „Zasedačka 1” as a client has it, escaped, and escaped once more in the form.
NAME_ESCAPED_TWICE = b"ok-zaseda%25c4%258dka"
NAME_ESCAPED = "ok-zaseda%c4%8dka"
#: A room under a tenant.
NAME_WITH_TENANT = b"%5bodbor%5dok-t"

DELETE = (
    b"DELETE /res/conference/bk-ok-alpha HTTP/1.1\r\n"
    b"Host: 127.0.0.1:15999\r\n"
    b"Authorization: Bearer reservation-key-1\r\n"
    b"User-Agent: Prosody (0.12.3; posix)\r\n"
    b"\r\n"
)
#: What became of ids that were numbers (P4): 364758328, 9007199254740993, and a conflict_id of 77.
NUMBERS = (
    b"DELETE /res/conference/364758328.0 HTTP/1.1\r\n",
    b"DELETE /res/conference/9.007199254741e+15 HTTP/1.1\r\n",
    b"GET /res/conference/77.0 HTTP/1.1\r\n",
)

#: Events, as they stand in the recording; an ellipsis there is left out here, and names are those of one conference.
ROOM_CREATED = (
    b'{"event_name":"muc-room-created","is_breakout":false,"created_at":1795358819,'
    b'"room_jid":"ok-alpha@conference.meet.lab","room_name":"ok-alpha"}'
)
OCCUPANT_JOINED = (
    '{"occupant":{"name":"Jana Nováková","id":"u1","occupant_jid":"693314c8-…@meet.lab/DOcKT6AD7CfN",'
    '"joined_at":1795358821,"moderator":true,"email":"jana@office.example"},"event_name":"muc-occupant-joined",'
    '"is_breakout":false,"room_jid":"ok-alpha@conference.meet.lab","active_occupants_count":1,"room_name":"ok-alpha"}'
).encode()

#: What people were shown: code and text.
SHOWN_AFTER_TIMEOUT = (500, "Reservation lookup timed out")
SHOWN_WITHOUT_MESSAGE = "Rejected by reservation server"
SHOWN_WHEN_EXPIRED = (419, "Reservation expired")
SHOWN_TO_THOSE_INSIDE = "Scheduled conference duration exceeded."
