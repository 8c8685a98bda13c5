"""Where people are sent who open a conference without a token."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
