"""What the organizer does with a conference that runs."""

from __future__ import annotations

from django.urls import path

from integrations.jitsi.views import live

urlpatterns = [
    path("sesje/<slug:number>/konferencja/koniec/", live.conference_end, name="jitsi_conference_end"),
    path("sesje/<slug:number>/konferencja/<int:pk>/usun/", live.person_remove, name="jitsi_person_remove"),
]
