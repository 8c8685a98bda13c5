"""Addresses of the page that says how the service is."""

from django.urls import path

from notifications.views import state

urlpatterns = [
    path("", state.state_show, name="service_state"),
    path("teraz/", state.state_now, name="service_state_now"),
    path("proba/<str:server>/", state.state_trial, name="service_state_trial"),
]
