"""Addresses of invited people. Those that stand in mails are short, and never change: d, o and g."""

from django.urls import path

from integrations.guests import checking, door, live, materials, new_address, page, people, views, zone

urlpatterns = [
    path("d/<str:token>", door.join, name="join"),
    path("o/<str:token>", views.answer, name="answer"),
    path("g/<str:token>", page.guest_page, name="guest_page"),
    path("g/<str:token>/sprawdzenie/", checking.guest_check, name="guest_check"),
    path("g/<str:token>/zmiany/<str:version>", live.guest_changes, name="guest_changes"),
    path("g/<str:token>/plik/<int:pk>", materials.guest_material, name="guest_material"),
    path("g/<str:token>/strefa/", zone.guest_zone, name="guest_zone"),
    path("g/<str:token>/sala/", people.guest_side, name="guest_side"),
    path("g/<str:token>/zastepstwo/", people.guest_delegate, name="guest_delegate"),
    path("g/<str:token>/osoby/", people.guest_register, name="guest_register"),
    path("g/<str:token>/rezygnacja/", people.guest_leave, name="guest_leave"),
    path("g/<str:token>/adres/", new_address.guest_address, name="guest_address"),
    path("g/<str:signed>/nowy-adres/", new_address.guest_address_proved, name="guest_address_proved"),
]
