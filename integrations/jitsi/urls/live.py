"""What the organizer does with a conference that runs."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
