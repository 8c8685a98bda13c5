"""Addresses of invited people. Those that stand in mails are short, and never change: d, o and g."""

from django.urls import path

from integrations.guests import checking, door, live, materials, page, views, zone

urlpatterns = [
    path("d/<str:token>", door.join, name="join"),
    path("o/<str:token>", views.answer, name="answer"),
    path("g/<str:token>", page.guest_page, name="guest_page"),
    path("g/<str:token>/sprawdzenie/", checking.guest_check, name="guest_check"),
    path("g/<str:token>/zmiany/<str:version>", live.guest_changes, name="guest_changes"),
    path("g/<str:token>/plik/<int:pk>", materials.guest_material, name="guest_material"),
    path("g/<str:token>/strefa/", zone.guest_zone, name="guest_zone"),
]
