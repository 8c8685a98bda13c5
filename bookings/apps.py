from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookingsConfig(AppConfig):
    name = "bookings"
    verbose_name = _("Sessions")

    def ready(self) -> None:
        from bookings import personal_data  # noqa: PLC0415  app ready

        personal_data.register()
