"""Addresses of the page about data protection, and of its text."""

from django.urls import path

from accounts import privacy_views

urlpatterns = [
    path("ochrona-danych/", privacy_views.privacy_show, name="privacy"),
    path("zarzadzanie/ochrona-danych/", privacy_views.privacy_edit, name="privacy_edit"),
]
