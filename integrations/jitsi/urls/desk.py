"""The desk of IT admins."""

from __future__ import annotations

from django.urls import path

from integrations.jitsi.views import desk

urlpatterns = [
    path("", desk.desk_show, name="jitsi_desk"),
    path("teraz/", desk.desk_now, name="jitsi_desk_now"),
    path("ustawienia/", desk.example_settings, name="jitsi_example_settings"),
    path("serwery/<int:pk>/ustawienia/", desk.server_settings, name="jitsi_server_settings"),
    path("serwery/<int:pk>/sprawdzenie/", desk.server_selftest, name="jitsi_server_selftest"),
    path("<slug:key>/koniec/", desk.desk_end, name="jitsi_desk_end"),
]
