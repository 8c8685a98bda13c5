"""Ten thousand reminders are due at the same moment."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from bookings.models import Attendee
from notifications.models import Message
from tests.faults.invariants import check
from tests.faults.lab import Lab
from tests.servers import wait_until

pytestmark = pytest.mark.faults

#: Of each meeting: the organizer, and these.
_GUESTS = 99
_REMINDERS = int(os.environ.get("NARADA_FAULTS_DUE", "10000" if os.environ.get("CI") else "1000"))


def test_so_many_are_due_at_once(lab: Lab) -> None:
    # Fewer at once than there are licences.
    starts = [timedelta(hours=14, minutes=5 * number) for number in range(_REMINDERS // (_GUESTS + 1))]
    sessions = [lab.book(starts_in=start) for start in starts]
    now = timezone.now()
    Attendee.objects.bulk_create(
        Attendee(
            booking=session.booking,
            email=f"gosc{number}@office{number % 7}.example",
            language="pl",
            time_zone="Europe/Warsaw",
            invited_at=now,
        )
        for session in sessions
        for number in range(_GUESTS)
    )
    for _ in range(4):
        lab.worker()
    lab.beat()
    reminders = Message.objects.filter(kind="reminder", state="sent")
    # The sessions' own invitations to their organizer come on top.
    wait_until(lambda: len(lab.post.taken) >= _REMINDERS + len(sessions), timeout_seconds=600)
    lab.settle()
    taken_at = sorted(mail.taken_at for mail in lab.post.taken)
    seconds = taken_at[-1] - taken_at[0]
    began = time.monotonic()
    count = check(lab.sessions, lab.post.taken)
    print(
        f"{_REMINDERS} reminders at once, 4 workers: {len(taken_at) / seconds:.0f} mails/s for {seconds:.0f} s;"
        f" {count} (checked in {time.monotonic() - began:.0f} s)"
    )
    assert reminders.count() == _REMINDERS
    assert (count.extra, count.failed) == (0, 0)
