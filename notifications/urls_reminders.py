"""Addresses where people and sites say what they are reminded of. What stands in mails never changes."""

from django.urls import path

from notifications.views import guest_reminders, reminders

urlpatterns = [
    path("konto/przypomnienia/", reminders.reminder_choice, name="reminder_choice"),
    path("zarzadzanie/przypomnienia/", reminders.site_reminders, name="site_reminders"),
    path("przypomnienia/<str:token>/", guest_reminders.guest_reminders, name="guest_reminders"),
]
