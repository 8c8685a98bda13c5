"""What a row of the outbox has to have, by its kind, is said by two functions (`notifications.models.shapes`)."""

from django.db import migrations, models
from django.db.models import Func, Q

ADD = r"""
-- Of a reminder one start of one meeting; of an iTIP mail version and SEQUENCE, and the RECURRENCE-ID of the one meeting
-- that it is about; of a nudge the meeting, and the SEQUENCE that was asked about.
CREATE FUNCTION message_fits_its_kind(
    kind text, version int, sequence int, occurrence bigint, recurrence_at timestamptz, starts_at timestamptz,
    lead interval
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN CASE
        WHEN kind IN ('invitation', 'update', 'cancellation', 'counter') THEN
            num_nulls(version, sequence) = 0 AND num_nonnulls(starts_at, lead) = 0
            AND num_nonnulls(occurrence, recurrence_at) IN (0, 2)
        WHEN kind = 'reminder' THEN
            num_nulls(occurrence, starts_at, lead) = 0 AND num_nonnulls(version, sequence, recurrence_at) = 0
        WHEN kind = 'nudge' THEN
            num_nulls(occurrence, sequence) = 0 AND num_nonnulls(version, recurrence_at, starts_at, lead) = 0
        WHEN kind IN ('account', 'notice', 'room_answer', 'summary', 'digest', 'alarm', 'webhook') THEN
            num_nonnulls(version, sequence, occurrence, recurrence_at, starts_at, lead) = 0
        ELSE false
    END;
END
$$;

CREATE FUNCTION message_is_addressed(
    kind text, topic text, attendee bigint, booking bigint, the_user bigint, webhook bigint, data jsonb
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN CASE
        WHEN kind IN ('invitation', 'update', 'cancellation', 'reminder', 'nudge') THEN
            num_nulls(attendee, booking) = 0 AND num_nonnulls(the_user, data) = 0 AND topic = ''
        WHEN kind = 'counter' THEN num_nulls(attendee, booking, data) = 0 AND the_user IS NULL AND topic = ''
        WHEN kind IN ('notice', 'summary', 'digest', 'alarm') THEN
            num_nulls(the_user, data) = 0 AND attendee IS NULL AND topic <> ''
        WHEN kind = 'webhook' THEN
            num_nulls(webhook, data) = 0 AND num_nonnulls(attendee, the_user) = 0 AND topic <> ''
        WHEN kind = 'account' THEN num_nonnulls(attendee, booking, the_user, data) = 0 AND topic = ''
        WHEN kind = 'room_answer' THEN data IS NOT NULL AND num_nonnulls(attendee, the_user) = 0 AND topic = ''
        ELSE false
    END;
END
$$;
"""

DROP = "DROP FUNCTION message_fits_its_kind; DROP FUNCTION message_is_addressed"

_KIND = Func(
    *("kind", "version", "sequence", "occurrence", "recurrence_at", "starts_at", "lead"),
    function="message_fits_its_kind",
    output_field=models.BooleanField(),
)
_ADDRESSED = Func(
    *("kind", "topic", "attendee", "booking", "user", "webhook", "data"),
    function="message_is_addressed",
    output_field=models.BooleanField(),
)
_ONCE = Q(
    ("once__isnull", False), Q(("kind__in", ["nudge", "summary", "digest", "alarm"]), _negated=True), _connector="OR"
)
_SAID = {"message_kind": _KIND, "message_addressed": _ADDRESSED, "message_computed_once": _ONCE}


class Migration(migrations.Migration):
    dependencies = [("notifications", "0012_cheaper_rows")]

    operations = [
        migrations.RunSQL(ADD, DROP),
        *(migrations.RemoveConstraint(model_name="message", name=name) for name in _SAID),
        *(
            migrations.AddConstraint(
                model_name="message", constraint=models.CheckConstraint(condition=condition, name=name)
            )
            for name, condition in _SAID.items()
        ),
    ]
