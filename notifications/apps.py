from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Mail")

    def ready(self) -> None:
        from bookings.events import noticed, recorded  # noqa: PLC0415  app ready
        from notifications.receivers import answer, pass_on  # noqa: PLC0415  app ready

        recorded.connect(answer, dispatch_uid="notifications.receivers.answer")
        noticed.connect(pass_on, dispatch_uid="notifications.receivers.pass_on")
