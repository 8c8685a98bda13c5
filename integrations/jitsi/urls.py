"""Addresses that stand in mails: short, and never changed."""

from django.urls import path

from integrations.jitsi import views

urlpatterns = [path("d/<str:token>", views.join, name="join")]
