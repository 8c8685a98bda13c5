"""A lively office on Tuesday 24 November 2026, and the address of every page with what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.utils import timezone

from bookings import services
from bookings.closure_times import ClosureDraft
from bookings.models import Booking
from bookings.rules import Participant, Scope
from integrations.feeds.services import create_feed
from integrations.jitsi.models import Presence, ServerHealth
from notifications.delivery import deliver_due
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.weekly import at_another_time, meeting, skip, weekly
from tests.factories import Office, make_office
from tests.integrations.jitsi.desks import make_server, open_conference, then


@dataclass(frozen=True)
class Scene:
    office: Office
    #: Of Anna's, 11:00–12:30 in three rooms, with guests and a colleague.
    coming: Booking
    #: Of Anna's, 9:00–9:30, over by now.
    over: Booking
    #: Of Piotr's, 10:00–11:30, in progress, closed.
    private: Booking
    #: Of Anna's, Tuesdays from 9:30 to 11:00, the first in progress; one date left out, one moved, one cancelled.
    series: Booking
    #: Of Anna's, 14:00–15:30, awaits approval.
    request: Booking
    #: Of Anna's, cancelled a moment ago.
    cancelled: Booking


def make_scene() -> Scene:
    office = make_office()
    kos, tab, bia = (office.room(code) for code in ("KOS/2.14", "TAB/A", "BIA/5"))
    people = (
        Participant(contact_id=office.migri.pk),
        *(Participant(contact_id=contact.pk) for contact in office.voivodeships.contacts.order_by("pk")),
        Participant(user_id=office.colleague.pk),
        Participant(email="ktos@gmina.example", name="Józef Ćwik"),
    )
    coming = services.book(
        ask(
            office.staff, kos, tab, bia, start=at(11), minutes=90, participants=people, description="Program:\n1. Pisma"
        ),
        by=office.staff,
        now=NOW,
    )
    over = services.book(
        ask(office.staff, office.room("KOS/2.16"), start=at(9), minutes=30, title="Odprawa", participants=people[:1]),
        by=office.staff,
        now=NOW,
    )
    private = services.book(
        ask(office.manager, office.room("KOS/0.07"), start=at(10), minutes=90, title="Przesłuchanie", is_private=True),
        by=office.manager,
        now=NOW,
    )
    series = make_series(office)
    request = services.book(
        ask(office.staff, office.room("KOS/3.01"), start=at(14), minutes=90, title="Wojewoda"), by=office.staff, now=NOW
    )
    make_waiting(office)
    make_kept(office)
    make_conferences(private)
    cancelled = make_cancelled(office)
    for to in (None, kos):
        create_feed(office.staff, to, detail="titles", now=timezone.now())
    deliver_due(timezone.now())
    return Scene(office, coming, over, private, series, request, cancelled)


def make_kept(office: Office) -> None:
    """Anna left a form, and has a template of her own beside one of her site."""
    typed = {"title": "Narada kwartalna", "day": "czw. 3.12.2026", "start": "12:00", "end": "13:00"}
    now, room = timezone.now(), office.room("KOS/2.16").pk
    body = urlencode({**typed, "rooms": room})
    services.keep_form(body, submission=UUID(int=1), user=office.staff, now=now)
    services.save_template("Kolegium", body, by=office.staff, now=now)
    services.save_template("Narada placówek", body, by=office.manager, now=now, site_id=office.koszykowa.pk)


def make_waiting(office: Office) -> None:
    """On 3 December Anna asks for a room that needs an approval, waits for one, and is offered another."""
    now, room = timezone.now(), office.room("TAB/B")
    day = datetime(2026, 12, 3)
    asked = ask(office.staff, office.room("KOS/3.01"), start=at(10, day=day), title="Rozmowy kwalifikacyjne")
    services.book(asked, by=office.staff, now=now)
    for hour in (10, 14):
        taken = services.book(ask(office.colleague, room, start=at(hour, day=day)), by=office.colleague, now=now)
        wanted = ask(office.staff, room, start=at(hour, day=day), title="Szkolenie")
        services.join_waitlist(wanted, by=office.staff, now=now)
    services.cancel(taken, by=office.colleague, now=now)
    painting = ClosureDraft(
        "maintenance", "malowanie ścian", day, day + timedelta(days=2), room_id=office.room("KOS/2.16").pk
    )
    services.close(painting, by=office.manager, now=now)


def make_cancelled(office: Office) -> Booking:
    """Cancel a session of 2 December just now, so that it can be undone."""
    now = timezone.now()
    wanted = ask(office.staff, office.room("KOS/1.03"), start=at(10, day=datetime(2026, 12, 2)), title="Narada")
    gone = services.book(wanted, by=office.staff, now=now)
    return services.cancel(gone, by=office.staff, now=now, reason="urlop", undo_for=timedelta(hours=1))


def make_series(office: Office) -> Booking:
    series = weekly(
        office.staff,
        office.room("TAB/B"),
        count=10,
        first=at(9, 30),
        minutes=90,
        title="Odprawa zespołu",
        participants=(Participant(user_id=office.colleague.pk), Participant(contact_id=office.migri.pk)),
        decisions=(skip(date(2026, 12, 8)), at_another_time(date(2026, 12, 15), 13)),
    )
    gone = meeting(series, date(2026, 12, 1))
    return services.cancel(series, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=gone, reason="urlop")


def make_conferences(private: Booking) -> None:
    """Have the closed session run on a server that works in part, and another conference that nobody knows."""
    server = make_server()
    ServerHealth.objects.update(
        state=ServerHealth.State.ILL, parts={"web": {"ok": True}, "jicofo": {"ok": False, "why": "timeout"}}
    )
    running = open_conference(server, private.occurrences.get(), at=then(10))
    for jid, person in (("a@meet.jitsi/x", private.attendees.get(is_organizer=True)), ("b@meet.jitsi/y", None)):
        Presence.objects.create(conference=running, occupant_jid=jid, attendee=person, joined_at=then(10, 1))
    open_conference(server, None, at=then(10, 15))
