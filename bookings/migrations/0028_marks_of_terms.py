"""Rules and what licences sites have leave a mark of the office, too: who books keeps them as long as they are the same.

Boards are read once more after such a change, which is seldom.
"""

from django.db import migrations

TABLES = (
    "rooms_bookingrule",
    "rooms_siteshare",
    "rooms_licenceloan",
    "rooms_emergencyseats",
    "rooms_namedlicence",
    "rooms_siteterms",
)


def _create() -> str:
    return "\n".join(
        f"CREATE TRIGGER board_mark AFTER INSERT OR UPDATE OR DELETE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION board_office_changed();"
        for table in TABLES
    )


def _drop() -> str:
    return "\n".join(f"DROP TRIGGER board_mark ON {table};" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [("bookings", "0027_nothing_for_nothing"), ("rooms", "0006_recorders")]

    operations = [migrations.RunSQL(_create(), _drop())]
