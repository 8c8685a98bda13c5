from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Integrations")

    def ready(self) -> None:
        from bookings.events import recorded  # noqa: PLC0415  app ready
        from integrations.mailbox.room.receivers import speak  # noqa: PLC0415  app ready

        recorded.connect(speak, dispatch_uid="integrations.mailbox.room.receivers.speak")
