"""What a row of the outbox has to have in its state is said by a function, too (`notifications.models.shapes`)."""

from django.db import migrations, models
from django.db.models import Func

ADD = r"""
-- While it is being sent: until when the worker that took it owns it, and perhaps when the try began. Once it is sent:
-- when, and the bytes as sent; of a mail about an account these are gone once nobody will send it any more, since no
-- link outlives its mail. Where it failed: why.
CREATE FUNCTION message_fits_its_state(
    kind text, state text, lease_until timestamptz, begun_at timestamptz, sent_at timestamptz,
    may_have_arrived boolean, raw bytea, last_error text
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF kind = 'account' AND (raw IS NULL) <> (state IN ('sent', 'failed', 'superseded')) THEN
        RETURN false;
    END IF;
    RETURN CASE
        WHEN state IN ('queued', 'retrying', 'superseded') THEN num_nonnulls(lease_until, begun_at, sent_at) = 0
        WHEN state = 'sending' THEN lease_until IS NOT NULL AND sent_at IS NULL
        WHEN state = 'sent' THEN
            num_nonnulls(lease_until, begun_at) = 0 AND sent_at IS NOT NULL AND may_have_arrived
            AND (raw IS NOT NULL OR kind = 'account')
        WHEN state = 'failed' THEN num_nonnulls(lease_until, begun_at, sent_at) = 0 AND last_error <> ''
        ELSE false
    END;
END
$$;
"""

DROP = "DROP FUNCTION message_fits_its_state"

_STATE = Func(
    *("kind", "state", "lease_until", "begun_at", "sent_at", "may_have_arrived", "raw", "last_error"),
    function="message_fits_its_state",
    output_field=models.BooleanField(),
)
_GONE = (
    "message_begun_while_sending",
    "message_forgets_the_link",
    "message_state",
    "message_leased_while_sending",
    "message_sent_with_time_and_bytes",
    "message_failed_with_a_reason",
)


class Migration(migrations.Migration):
    dependencies = [("notifications", "0013_shapes_by_kind")]

    operations = [
        migrations.RunSQL(ADD, DROP),
        *(migrations.RemoveConstraint(model_name="message", name=name) for name in _GONE),
        migrations.AddConstraint(
            model_name="message", constraint=models.CheckConstraint(condition=_STATE, name="message_state")
        ),
    ]
