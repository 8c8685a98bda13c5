"""Random guests send, register, take back, leave and answer in random order: what must hold, holds after each step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bookings import services
from bookings.models import Answer, Attendee, Booking
from bookings.party_queries import MAX_REGISTERED, chain_above, named_in, party_of
from notifications.models import Message
from tests.bookings.answering import LATER, MAZ, MIGRI, book
from tests.bookings.parties import people_events
from tests.factories import Office

pytestmark = pytest.mark.django_db
ADDRESSES = (MAZ, MIGRI, *(f"k{number}@mazowiecki.example" for number in range(5)))
REFUSED = (services.NamingRefused, services.AlreadyOver, services.AddressTaken)


@dataclass(frozen=True)
class Step:
    """Whoever was invited last at `who` does something to, or with, the address `whom`."""

    act: str
    who: int
    whom: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["send", "send", "register", "take back", "leave", "accept", "move"]),
        st.integers(0, len(ADDRESSES) - 1),
        st.integers(0, len(ADDRESSES) - 1),
    ),
    min_size=1,
    max_size=14,
)


@given(steps=STEPS)
# A chain that is taken back at its top, and its addresses used anew from below.
@pytest.mark.long
@example(
    steps=[
        Step("send", 0, 2),
        Step("send", 2, 3),
        Step("send", 3, 4),
        Step("take back", 0, 2),
        Step("register", 0, 3),
        Step("send", 3, 2),
        Step("move", 0, 5),
        Step("send", 5, 4),
    ]
)
# Whoever has sent somebody and then comes by another address.
@example(steps=[Step("send", 1, 6), Step("move", 1, 2)])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whoever_names_whom_the_list_is_sound(office: Office, steps: list[Step]) -> None:
    with transaction.atomic():
        booking = book(office)
        first = set(booking.attendees.values_list("pk", flat=True))
        for number, step in enumerate(steps):
            take(booking, step, now=LATER + timedelta(minutes=number))
            look(booking, first)
        transaction.set_rollback(True)


def take(booking: Booking, step: Step, *, now: datetime) -> None:
    who = booking.attendees.filter(email=ADDRESSES[step.who]).order_by("pk").last()
    whom = ADDRESSES[step.whom]
    if who is None:
        return
    try:
        with transaction.atomic():
            act(booking, step.act, who, whom, now=now)
    except REFUSED:
        return


def act(booking: Booking, what: str, who: Attendee, whom: str, *, now: datetime) -> None:
    match what:
        case "send":
            services.delegate(who, name="", email=whom, now=now)
        case "register":
            services.register(who, [("", whom)], now=now)
        case "take back":
            if named := booking.attendees.filter(email=whom).order_by("pk").last():
                services.take_back(who, named=named, now=now)
        case "leave":
            services.leave_session(who, now=now)
        case "accept":
            booking.refresh_from_db()
            given = services.GivenAnswer("ACCEPTED", sequence=booking.sequence, stamped_at=now, via=Answer.Via.PAGE)
            services.record_answer(who, given, now=now)
        case "move":
            services.correct_own_address(who, whom, now=now)


def look(booking: Booking, first: set[int]) -> None:
    present = list(booking.attendees.filter(removed_at=None))
    assert len({item.email.lower() for item in present}) == len(present)
    # What the history says of coming and going is the list, and who was sent is as it was when they came.
    told, sent_by_history = set(first), set()
    for event in people_events(booking):
        told = (told | set(event["added"])) - set(event["removed"])
        if "delegated_by" in event or (event.get("readdressed") and set(event["removed"]) & sent_by_history):
            sent_by_history |= set(event["added"])
    assert told == {item.pk for item in present}
    named = named_in(booking)
    assert {pk for pk, one in named.items() if one.sent} == sent_by_history & told
    for item in present:
        party = party_of(item)
        above = chain_above(item)
        sent = [one for one in item.named.filter(removed_at=None) if one not in party.registered]
        assert len(sent) <= 1
        assert len(party.registered) <= MAX_REGISTERED
        assert len(above) <= services.MAX_CHAIN
        assert item.email not in {one.email for one in above}
        if party.delegate is not None and item.answers.latest("received_at", "pk").partstat == "DELEGATED":
            assert item.partstat == "DELEGATED"
    waiting = Message.objects.filter(booking=booking, state="queued", kind="invitation")
    # Each of them is invited once, and nobody else is.
    assert sorted(waiting.values_list("attendee", flat=True)) == sorted(item.pk for item in present)
