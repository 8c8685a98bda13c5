"""The whole path of one session: signed in, booked, invited, joined, moved, reminded, cancelled.

Runs against anything with a `Visitor` for staff, one for a guest, and an `Inbox`: a running instance (`make smoke`), or
the application inside a test. Every step prints what it saw; the first that fails raises `Failed`.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import jwt

from smoke.mails import Inbox, Received
from smoke.pages import Form, Page, Pairs, Visitor

WARSAW = ZoneInfo("Europe/Warsaw")
POLISH_GUEST = "wideo@mazowiecki.example"
ENGLISH_GUEST = "video@migri.example"
ROOMS = ("Sala wideo 2.14", "Sala wideo 5")
TITLE = "Konsultacje: zezwolenia na pobyt"


class Failed(Exception):
    """A step did not show what it should. The sentence says which and how."""


@dataclass
class Journey:
    """`day`: a working day ahead."""

    staff: Visitor
    guest: Visitor
    inbox: Inbox
    email: str
    password: str
    base_url: str
    jitsi_url: str
    day: date
    patience_seconds: float = 30.0
    say: Callable[[str], None] = print
    _session: str = field(default="", init=False)

    def run(self) -> None:
        """Walk the whole path. Raises: Failed at the first step that goes wrong."""
        self.sign_in()
        self.book()
        polish, english = self.receive_invitations()
        self.join(polish)
        self.join(english)
        self.move()
        self.receive_update(polish)
        self.receive_reminder()
        self.cancel()
        self.receive_cancellation(polish)
        self.find_the_door_closed(polish)
        self.find_the_room_free()

    def sign_in(self) -> None:
        with self._step(f"sign in as {self.email}"):
            page = self.staff.get("/")
            page = self.staff.post(
                page.url, page.form("login").filled({"login": self.email, "password": self.password})
            )
            check(page.status == 200, f"the board answered {page.status}")
            page = self.staff.get(self._board)
            check("Koszykowa 16" in page.text, f"the board shows no site: {_words(page.text)[:300]}")

    def book(self) -> None:
        with self._step(f"book rooms {' and '.join(ROOMS)} on {self.day} at 10:00"):
            page = self.staff.get("/rezerwacja/")
            form = page.form("title")
            page = self.staff.post(page.url, self._filled(form))
            self._session = _arrive(page)
            check(TITLE in page.text, "the session page does not show the title")
            check("Mazowiecki Urząd Wojewódzki" in page.text, "the session page does not show the guest")

    def receive_invitations(self) -> tuple[Received, Received]:
        with self._step("receive an invitation in Polish and one in English"):
            polish = self._wait_for(POLISH_GUEST, "REQUEST", 0)
            english = self._wait_for(ENGLISH_GUEST, "REQUEST", 0)
            check(polish.subject.startswith("Zaproszenie: "), f"the Polish subject is {polish.subject!r}")
            check(english.subject.startswith("Invitation: "), f"the English subject is {english.subject!r}")
            assert polish.meeting is not None
            assert english.meeting is not None
            check(polish.meeting.uid == english.meeting.uid, "the two have different UIDs")
            check(polish.meeting.starts_at == self._at(10), f"it starts at {polish.meeting.starts_at}")
            return polish, english

    def join(self, mail: Received) -> None:
        with self._step(f"open the join address of {mail.to}"):
            page = self.guest.get(mail.join_address(self.base_url), follow=False)
            check(page.status == 302, f"it answered {page.status}")
            target = urlsplit(page.location)
            check(page.location.startswith(self.jitsi_url + "/"), f"it leads to {target.netloc}")
            token = parse_qs(target.query)["jwt"][0]
            claims = jwt.decode(token, self._public_key_for(token), algorithms=["RS256"], audience="jitsi")
            check(claims["room"] == target.path.lstrip("/"), "the token is for another room")
            check(not claims["context"]["user"]["moderator"], "a guest became moderator")

    def _public_key_for(self, token: str) -> str:
        """Fetch the key as a conference server does: by the digest of its name."""
        digest = hashlib.sha256(jwt.get_unverified_header(token)["kid"].encode()).hexdigest()
        page = self.guest.get(f"{self.base_url}/jitsi/keys/{digest}.pem")
        check(page.status == 200, f"the key of the token answered {page.status}")
        return page.text

    def move(self) -> None:
        with self._step("move the session to 13:00"):
            page = self.staff.get(self._session + "zmiana/")
            form = page.form("title")
            page = self.staff.post(page.url, form.filled({"start": "13:00", "end": "14:30", "do": "book"}))
            _arrive(page)
            check("13:00–14:30" in page.text, "the session page does not show the new time")

    def receive_update(self, first: Received) -> None:
        with self._step("receive the change, with the same UID and a higher SEQUENCE"):
            assert first.meeting is not None
            update = self._wait_for(POLISH_GUEST, "REQUEST", 1)
            assert update.meeting is not None
            check(update.meeting.uid == first.meeting.uid, "it has another UID")
            check(update.meeting.starts_at == self._at(13), f"it starts at {update.meeting.starts_at}")
            check(update.subject.startswith("Zmiana: "), f"its subject is {update.subject!r}")

    def receive_reminder(self) -> None:
        with self._step("receive the reminder of the new time, once, without a calendar part"):
            reminders = self._wait(
                lambda: [
                    mail
                    for mail in self.inbox.received()
                    if mail.to == ENGLISH_GUEST and mail.subject.startswith("Reminder: ")
                    if "13:00" in mail.text and TITLE in mail.text
                ],
                "no reminder came",
            )
            check(len(reminders) == 1, f"{len(reminders)} reminders came")
            check(reminders[0].meeting is None, "it has a calendar part")

    def cancel(self) -> None:
        with self._step("cancel the session"):
            page = self.staff.get(self._session + "odwolanie/")
            form = page.form("reason")
            page = self.staff.post(page.url, form.filled({"reason": "zmiana planów"}))
            check(page.status == 200, f"it answered {page.status}")

    def receive_cancellation(self, first: Received) -> None:
        with self._step("receive the cancellation"):
            assert first.meeting is not None
            mail = self._wait_for(POLISH_GUEST, "CANCEL", 2)
            assert mail.meeting is not None
            check(mail.meeting.uid == first.meeting.uid, "it has another UID")
            check(mail.meeting.status == "CANCELLED", f"its status is {mail.meeting.status}")
            check("zmiana planów" in mail.text, "it does not give the reason")
            self._wait_for(ENGLISH_GUEST, "CANCEL", 2)

    def find_the_door_closed(self, first: Received) -> None:
        with self._step("find the join address closed"):
            page = self.guest.get(first.join_address(self.base_url), follow=False)
            check(page.status != 302, "it still leads into the conference")
            check(not page.location, "it still redirects")

    def find_the_room_free(self) -> None:
        with self._step("find the rooms free again"):
            page = self.staff.get(self._board)
            check(page.status == 200, f"the board answered {page.status}")
            check(TITLE not in page.text, "the board still shows the session")

    @property
    def _board(self) -> str:
        return f"/tablica/{self.day.isoformat()}/"

    def _filled(self, form: Form) -> Pairs:
        return form.filled(
            {
                "title": TITLE,
                "day": self.day.isoformat(),
                "start": "10:00",
                "end": "11:00",
                "rooms": [form.box("rooms", name) for name in ROOMS],
                "addresses": f"{POLISH_GUEST}, {ENGLISH_GUEST}",
                "do": "book",
            }
        )

    def _at(self, hour: int) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, hour, tzinfo=WARSAW)

    def _wait_for(self, address: str, method: str, sequence: int) -> Received:
        def find() -> list[Received]:
            return [
                mail
                for mail in self.inbox.received()
                if mail.to == address
                and mail.meeting is not None
                and (mail.meeting.method, mail.meeting.sequence) == (method, sequence)
                and mail.meeting.summary == TITLE  # the example sessions invite the same guests
            ]

        found = self._wait(find, f"no {method} with SEQUENCE {sequence} came to {address}")
        check(len(found) == 1, f"{len(found)} came to {address}")
        return found[0]

    def _wait(self, find: Callable[[], list[Received]], otherwise: str) -> list[Received]:
        deadline = time.monotonic() + self.patience_seconds
        while not (found := find()):
            check(time.monotonic() < deadline, otherwise)
            time.sleep(0.2)
        return found

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except (Failed, LookupError, ValueError, jwt.InvalidTokenError, OSError) as error:
            raise Failed(f"{what}: {error}") from error
        self.say(f"ok   {what} ({time.monotonic() - began:.1f} s)")


def _arrive(page: Page) -> str:
    """Return the address of the session's page that a submitted form led to. Raises: Failed with the page's words."""
    path = urlsplit(page.url).path
    alerts = _words(" ".join(re.findall(r"role=\"alert\".*?</(?:div|section)>", page.text, re.S)))
    check(page.status == 200 and "/N-" in path, f"it answered {page.status} at {path}: {alerts[:400]}")
    return re.sub(r"(zmiana|odwolanie)/$", "", path)


def _words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def check(condition: bool, otherwise: str) -> None:
    """Raises: Failed unless the condition holds."""
    if not condition:
        raise Failed(otherwise)


def working_day_from(today: date) -> date:
    """Return the fourth working day after `today`: later than the sessions of the example office."""
    day, left = today, 4
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day
