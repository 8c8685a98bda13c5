from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RoomsConfig(AppConfig):
    name = "rooms"
    verbose_name = _("Rooms and licences")

    def ready(self) -> None:
        from rooms import personal_data  # noqa: PLC0415  app ready

        personal_data.register()
