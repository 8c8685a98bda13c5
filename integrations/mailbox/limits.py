"""What a mail from outside may ask of us (calendar-mail.md H11). Sizes are bytes unless they say characters.

Nothing is expanded before it is bounded: parts are counted while they are found, calendar lines before they are parsed,
and a recurrence rule is checked here but never run.
"""

from __future__ import annotations

#: Beyond this a mail is not looked into at all.
MAX_MAIL = 50_000_000
#: What has to be read of a mail: headers, texts, calendar. Attachments are stepped over and do not count.
MAX_READ = 2_000_000
#: Of more, only so many lines are looked at, and the beginning of each.
MAX_HEADERS = 128_000
MAX_HEADER_LINES = 500
#: Of one header line, unfolded; the rest of it is not looked at.
MAX_HEADER = 16_000
#: With more parts a calendar among them is not believed, and the others are not looked at.
MAX_PARTS = 50
#: More parts, or deeper nesting, than any mail program writes: the mail can't be read.
MAX_PARTS_AT_ALL = 1_000
MAX_DEPTH = 10

MAX_CALENDAR = 256_000
#: Events and time zones together; what stands inside them, such as alarms, is bounded apart.
MAX_COMPONENTS = 100
MAX_BEGINS = 1_000
#: Of more VTIMEZONEs, only so many are read.
MAX_ZONES = 20
#: Of one event.
MAX_ATTENDEES = 500
MAX_EXDATES = 400
MAX_COUNT = 400
MAX_INTERVAL = 999
#: Single dates, and rules, of one VTIMEZONE.
MAX_ONSETS = 100
FIRST_YEAR, LAST_YEAR = 2000, 2100

#: Characters.
MAX_TEXT = 20_000
MAX_HTML = 200_000
MAX_SUBJECT = 400
MAX_NAME = 200
MAX_EMAIL = 254
MAX_UID = 255
MAX_MESSAGE_ID = 400
MAX_WORDS = 1_000
MAX_COMMENT = 4_000
MAX_DESCRIPTION = 8_000
MAX_DOUBTS = 20

MAX_RECIPIENTS = 100
MAX_REFERENCES = 100
MAX_BOUNCES = 100

#: Of the process that reads: processor time and memory for one mail, and how long its parent waits for it.
CPU_SECONDS = 10
MEMORY = 512 * 1024 * 1024
WAIT_SECONDS = 30
#: After so many mails the process is replaced by a fresh one.
MAILS_PER_PROCESS = 500
