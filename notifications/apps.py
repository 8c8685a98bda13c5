from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Mail")

    def ready(self) -> None:
        from bookings.events import noticed, recorded  # noqa: PLC0415  app ready
        from integrations.guests.signals import address_given  # noqa: PLC0415  app ready
        from integrations.mailbox import signals as mailbox  # noqa: PLC0415  app ready
        from notifications import address_mail, bounces, personal_data  # noqa: PLC0415  app ready
        from notifications.receivers import answer, pass_on  # noqa: PLC0415  app ready

        recorded.connect(answer, dispatch_uid="notifications.receivers.answer")
        noticed.connect(pass_on, dispatch_uid="notifications.receivers.pass_on")
        mailbox.asked.connect(bounces.find_sent, dispatch_uid="notifications.bounces.find_sent")
        mailbox.bounced.connect(bounces.mark, dispatch_uid="notifications.bounces.mark")
        mailbox.answered.connect(bounces.queue_room_answer, dispatch_uid="notifications.bounces.queue_room_answer")
        address_given.connect(address_mail.queue, dispatch_uid="notifications.address_mail.queue")
        personal_data.register()
