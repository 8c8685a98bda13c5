"""A test mail over one of our servers, past the outbox: shows whether the server takes mail, in its own words."""

from __future__ import annotations

from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from integrations.ical.render import Person
from notifications.alarms import ways
from notifications.alarms.ways import Said
from notifications.compose import compose_account_mail
from notifications.compose.mime import Unmailable


def send_trial(user: User, *, server: str, now: datetime) -> Said:
    """Mail this user over the server of that name. Takes as long as the server does, half a minute at worst."""
    with translation.override(user.language):
        subject = _("Test mail")
        text = _("This mail was sent from the page of the state of Narada to see whether the mail server takes mail.")
        if server == ways.SECOND:
            text += "\n" + _("It came over the second mail server.")
    try:
        mail = compose_account_mail(
            Person(user.email, user.name), subject=subject, text=text + "\n", html="", language=user.language, now=now
        )
    except Unmailable as error:
        return Said(str(error))
    return ways.try_server(server, [mail])[user.email]
