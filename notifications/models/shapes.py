"""What a row of the outbox has to have, by its kind and its state: said by functions of the database (migrations 0013
and 0014).

PostgreSQL reads the conditions of a table anew for every statement that writes to it. These, written out for a dozen
kinds of mail and six states, took longer to read than a mail to be queued; a call of a function is read at once.
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
#: What there is of it so far: a lease while it is being sent, time and bytes once it is sent, a reason where it failed.
FITS_ITS_STATE = Func(
    *("kind", "state", "lease_until", "begun_at", "sent_at", "may_have_arrived", "raw", "last_error"),
    function="message_fits_its_state",
    output_field=BooleanField(),
)
