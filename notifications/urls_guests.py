"""Addresses of invited people whose answer is written as a mail is."""

from django.urls import path

from notifications.views import guest_calendar

urlpatterns = [path("g/<str:token>/kalendarz.ics", guest_calendar.guest_calendar, name="guest_calendar")]
