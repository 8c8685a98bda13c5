"""Addresses of what is kept of guests: for them, by their personal address, and for IT admins."""

from django.urls import path

from notifications.views import guest_data, personal_data

urlpatterns = [
    path("g/<str:token>/dane/", guest_data.guest_data, name="guest_data"),
    path("g/<str:token>/dane/plik/<str:kind>/", guest_data.guest_data_file, name="guest_data_file"),
    path("g/<str:token>/dane/usuniecie/", guest_data.guest_data_erase, name="guest_data_erase"),
    path("dane-usuniete/", guest_data.guest_data_erased, name="guest_data_erased"),
    path("zarzadzanie/dane-osobowe/", personal_data.personal_data, name="personal_data"),
    path("zarzadzanie/dane-osobowe/osoba/", personal_data.person, name="personal_data_person"),
    path("zarzadzanie/dane-osobowe/osoba/plik/", personal_data.person_file, name="personal_data_file"),
    path("zarzadzanie/dane-osobowe/osoba/usuniecie/", personal_data.person_erase, name="personal_data_erase"),
    path("zarzadzanie/dane-osobowe/proba.csv", personal_data.dry_run_csv, name="personal_data_dry_run"),
]
