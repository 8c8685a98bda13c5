"""Sessions are found by the words of their titles, and by people who were invited by an address alone.

Words are kept as PostgreSQL's own `tsvector`, made by the database from the columns that are there already, so that
whatever writes a title or a participant keeps them true. No extension and no locale of the server takes part. What
people, institutions and rooms are called is looked up where it stands: there are few of them, and they are renamed.
"""

import string
import unicodedata

from django.db import migrations

_BLANKS = string.punctuation + "„”“‘’‚«»‹›–—‒―…·•§°№" + "\u00a0\u00ad\u2007\u2009\u200b\u202f"

#: What nearly every text is made of. PostgreSQL compares each letter with the whole list, so this one is short; the
#: capitals of ASCII it knows by itself.
_USUAL = dict(zip("ąćęłńóśźżĄĆĘŁŃÓŚŹŻ", "acelnoszz" * 2, strict=True)) | dict.fromkeys(string.punctuation + "„”–", " ")


def _letters() -> dict[str, str]:
    """Map what is written to what is looked for, one character each. As `bookings.search_text.plain` does it."""
    plain = {"ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ı": "i"}
    for code in range(0x00C0, 0x0180):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii() and base.isalpha():
            plain[chr(code)] = base.lower()
    # Capitals that a server without a locale would not know; the rest is PostgreSQL's business.
    capitals = [*range(0x0391, 0x03AA), *range(0x0400, 0x0430)]
    plain |= {chr(code): chr(code).lower() for code in capitals if chr(code) not in plain}
    return plain | dict.fromkeys(_BLANKS, " ")


#: Accents written after their letter; `translate` drops what has no counterpart.
_MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _translated(letters: dict[str, str], marks: str = "") -> str:
    return f"pg_catalog.translate(written, {_quoted(''.join(letters) + marks)}, {_quoted(''.join(letters.values()))})"


WORDS = f"""pg_catalog.to_tsvector('pg_catalog.simple'::pg_catalog.regconfig,
        CASE WHEN written ~ '[^ -~ąćęłńóśźżĄĆĘŁŃÓŚŹŻ„”–]' THEN {_translated(_letters(), _MARKS)}
            ELSE {_translated(_USUAL)} END)"""

IN_SQL = (
    f"FUNCTION search_words(written text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT {WORDS} $$"
)

ADD = f"""
CREATE {IN_SQL};

ALTER TABLE bookings_booking
    ADD COLUMN title_words tsvector GENERATED ALWAYS AS (search_words(title)) STORED;
CREATE INDEX booking_title_words ON bookings_booking USING gin (title_words);

-- Few meetings have a title of their own.
CREATE INDEX meeting_title_words ON bookings_occurrence USING gin (search_words(own_title)) WHERE own_title <> '';

-- Colleagues and contacts are found by what they are called now.
ALTER TABLE bookings_attendee
    ADD COLUMN typed_words tsvector GENERATED ALWAYS AS (
        CASE WHEN user_id IS NULL AND contact_id IS NULL THEN search_words(name || ' ' || email) END
    ) STORED;
CREATE INDEX attendee_typed_words ON bookings_attendee USING gin (typed_words) WHERE typed_words IS NOT NULL;

-- Which words are frequent is known from the first search on.
ANALYZE bookings_booking (title_words);
ANALYZE bookings_attendee (typed_words);
"""

DROP = """
DROP INDEX attendee_typed_words;
ALTER TABLE bookings_attendee DROP COLUMN typed_words;
DROP INDEX meeting_title_words;
ALTER TABLE bookings_booking DROP COLUMN title_words;
DROP FUNCTION search_words(text);
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0022_board_as_it_was")]

    operations = [migrations.RunSQL(ADD, DROP)]
