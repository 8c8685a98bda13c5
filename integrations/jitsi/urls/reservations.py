"""Where a server asks whether a conference may begin."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
