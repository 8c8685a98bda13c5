"""Where a server tells who came and went, and who reads it. `api_prefix` of event_sync: the part before `/events`."""

from __future__ import annotations

from django.urls import path

from integrations.jitsi.events import Kind
from integrations.jitsi.views import attendance, events

urlpatterns = [
    path("jitsi/events/room/created", events.told, {"kind": Kind.CREATED}, name="jitsi_room_created"),
    path("jitsi/events/occupant/joined", events.told, {"kind": Kind.JOINED}, name="jitsi_occupant_joined"),
    path("jitsi/events/occupant/left", events.told, {"kind": Kind.LEFT}, name="jitsi_occupant_left"),
    path("jitsi/events/room/destroyed", events.told, {"kind": Kind.DESTROYED}, name="jitsi_room_destroyed"),
    path("sesje/<slug:number>/obecnosc/", attendance.attendance_now, name="jitsi_attendance"),
]
