"""Public keys, for servers to verify our tokens with."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
