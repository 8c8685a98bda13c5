"""What a row of the outbox has to have, by its kind: said by functions of the database (migration 0013).

PostgreSQL reads the conditions of a table anew for every statement that writes to it. These two, written out for a
dozen kinds of mail, took longer to read than a mail to be queued; a call of a function is read at once.
"""

from django.db.models import BooleanField, Func

#: What it is about: version and SEQUENCE of iTIP mails, the start of a reminder, the meeting of either.
FITS_ITS_KIND = Func(
    *("kind", "version", "sequence", "occurrence", "recurrence_at", "starts_at", "lead"),
    function="message_fits_its_kind",
    output_field=BooleanField(),
)
#: Who it is for: a participant, a user, another system, or an address alone.
IS_ADDRESSED = Func(
    *("kind", "topic", "attendee", "booking", "user", "webhook", "data"),
    function="message_is_addressed",
    output_field=BooleanField(),
)
