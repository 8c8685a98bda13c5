"""Addresses that stand in mails: short, and never changed."""

from django.urls import path

from integrations.answering import views

urlpatterns = [path("o/<str:token>", views.answer, name="answer")]
