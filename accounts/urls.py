"""Addresses under /konto/. allauth's pages are named one by one; those not here are off."""

from allauth.account import views as allauth_views
from django.urls import path, re_path

from accounts import views

urlpatterns = [
    path("", views.account_show, name="account_show"),
    path("wyglad/", views.preferences, name="preferences"),
    path("logowanie/", allauth_views.login, name="account_login"),
    path("wylogowanie/", allauth_views.logout, name="account_logout"),
    path("nieczynne/", allauth_views.account_inactive, name="account_inactive"),
    path("rejestracja/", allauth_views.signup, name="account_signup"),
    path("potwierdzenie/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("haslo/", allauth_views.password_change, name="account_change_password"),
    path("haslo/nowe/", allauth_views.password_set, name="account_set_password"),
    path("haslo/reset/", allauth_views.password_reset, name="account_reset_password"),
    path("haslo/reset/wyslano/", allauth_views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^haslo/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "haslo/reset/gotowe/", allauth_views.password_reset_from_key_done, name="account_reset_password_from_key_done"
    ),
]
