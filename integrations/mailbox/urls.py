"""Addresses of the pages of incoming mail."""

from django.urls import path

from integrations.mailbox import views

app_name = "mailbox"

urlpatterns = [
    path("", views.inbound_list, name="inbound_list"),
    path("<int:pk>/", views.inbound_show, name="inbound_show"),
    path("<int:pk>/plik/", views.inbound_download, name="inbound_download"),
    path("<int:pk>/ponownie/", views.inbound_again, name="inbound_again"),
    path("<int:pk>/zalatwione/", views.inbound_done, name="inbound_done"),
]
