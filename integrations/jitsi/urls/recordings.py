"""Recorders and what they recorded."""

from __future__ import annotations

from django.urls import path

from integrations.jitsi.views import recordings

urlpatterns = [
    # Jibri appends v1/… to the address that it is given, and can send no key but as a part of it.
    path("jitsi/recorders/<str:key>/v1/status", recordings.recorder_status, name="jitsi_recorder_status"),
    path("jitsi/recorders/<str:key>/v1/session/status", recordings.recorder_session, name="jitsi_recorder_session"),
    path("jitsi/recordings", recordings.recording_file, name="jitsi_recordings"),
    path("jitsi/recordings/due", recordings.recordings_due, name="jitsi_recordings_due"),
    path("jitsi/recordings/<int:pk>", recordings.recording_deleted, name="jitsi_recording_deleted"),
]
