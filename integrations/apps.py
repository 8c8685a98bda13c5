import logging

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Integrations")

    def ready(self) -> None:
        from bookings.events import recorded  # noqa: PLC0415  app ready
        from integrations import personal_data  # noqa: PLC0415  app ready
        from integrations.feeds.logs import HideFeedTokens  # noqa: PLC0415  app ready
        from integrations.jitsi.logs import HideJoinTokens  # noqa: PLC0415  app ready
        from integrations.mailbox.room.receivers import speak  # noqa: PLC0415  app ready

        # The web server has set up its own log by then, if it keeps one.
        for hide in (HideJoinTokens(), HideFeedTokens()):
            logging.getLogger("gunicorn.access").addFilter(hide)
        recorded.connect(speak, dispatch_uid="integrations.mailbox.room.receivers.speak")
        personal_data.register()
