"""The address of every page, with what it should be, in the office of `scene`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse
from django.utils import timezone

from bookings.models import Attendee, FormTemplate, KeptForm
from integrations.guests.links import answer_url
from integrations.guests.wishes import wish_path
from integrations.jitsi.links import join_url, token_for
from integrations.jitsi.models import Conference, ConferenceServer, Presence
from integrations.webhooks.models import Webhook
from notifications import mailfiles
from notifications.models import Message
from notifications.reminder_links import reminders_url
from tests.bookings.requests import NOW
from tests.browser.scene import Scene


@dataclass(frozen=True)
class Address:
    """`who`: the field of `Office` that holds the user, or nothing for a stranger. `status`: of the answer."""

    name: str
    path: str
    who: str = "staff"
    status: int = 200


def public_pages(scene: Scene) -> list[Address]:
    """Pages that need no account."""
    token = default_token_generator.make_token(scene.office.colleague)
    key = f"{user_pk_to_url_str(scene.office.colleague)}-{token}"
    pages = [
        ("sign-in", reverse("account_login")),
        ("password reset", reverse("account_reset_password")),
        ("password reset, sent", reverse("account_reset_password_done")),
        ("password reset, new password", f"/konto/haslo/reset/{key}/"),
        ("password reset, old link", "/konto/haslo/reset/1-old-link/"),
        ("password reset, done", reverse("account_reset_password_from_key_done")),
        ("sign-up closed", reverse("account_signup")),
        ("account inactive", reverse("account_inactive")),
        ("preferences", reverse("preferences")),
        ("accessibility", reverse("accessibility")),
        ("privacy", reverse("privacy")),
    ]
    return [Address(name, path, who="") for name, path in pages]


def join_pages(scene: Scene) -> list[Address]:
    guest = Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example")
    late = Attendee.objects.get(booking=scene.over, is_organizer=False)
    of_series = Attendee.objects.get(booking=scene.series, user=None)
    return [
        Address("join, too early", urlsplit(join_url(guest)).path, who=""),
        Address("join, over", urlsplit(join_url(late)).path, who="", status=410),
        Address("answer", urlsplit(answer_url(guest)).path + "?a=inny", who=""),
        Address("guest, answer chosen in the mail", urlsplit(answer_url(guest)).path + "?a=nie", who=""),
        Address("guest, a series that is on", f"/g/{token_for(of_series)}?zapisano=tak", who=""),
        Address("guest, zone", f"/g/{token_for(guest)}/strefa/", who=""),
        Address("guest, colleague", f"/g/{token_for(guest)}/zastepstwo/", who=""),
        Address("guest, office", f"/g/{token_for(guest)}/osoby/", who=""),
        Address("guest, leaving", f"/g/{token_for(guest)}/rezygnacja/", who=""),
        Address("guest, address", f"/g/{token_for(guest)}/adres/", who=""),
        Address("guest, address confirmed", wish_path(guest, "k@gmina.example", now=timezone.now()), who=""),
        Address("guest, address gone", "/g/abc/nowy-adres/", who="", status=410),
        Address("guest, data", f"/g/{token_for(guest)}/dane/", who=""),
        Address("guest, data, erase", f"/g/{token_for(guest)}/dane/usuniecie/", who=""),
        Address("guest, data erased", reverse("guest_data_erased"), who=""),
        Address("join, unknown link", "/d/1-aaaaaaaaaaaaaaaaaaaaaaaaaa", who="", status=404),
        Address("reminders of a guest", urlsplit(reminders_url(guest)).path, who=""),
        Address("reminders, switched off", urlsplit(reminders_url(guest)).path + "?zapisano=nic", who=""),
        Address("reminders, unknown link", "/przypomnienia/1-aaaaaaaaaaaaaaaaaaaaaaaaaa/", who="", status=404),
        Address("arrival, stranger", arrival(scene.coming.conference_name), who="", status=403),
        Address("arrival, not invited", arrival(scene.coming.conference_name), who="manager", status=403),
        Address("arrival, nothing booked", arrival("a" * 20), status=404),
    ]


def arrival(name: str) -> str:
    return reverse("jitsi_arrival", kwargs={"room": name})


def staff_pages(scene: Scene) -> list[Address]:
    number, room = scene.coming.number, scene.office.room("TAB/B").pk
    guest = scene.coming.attendees.get(email="ktos@gmina.example")
    moved, gone = "?spotkanie=2026-12-15", "?spotkanie=2026-12-01"
    filled = f"?room={room}&day=2026-11-25&start=10:00&end=11:00"
    taken = f"?room={scene.office.room('KOS/2.14').pk}&day=2026-11-24&start=11:00&end=12:00"
    return [
        Address("board", reverse("board")),
        Address("board of one site", reverse("board") + "?site=KOS&seats=8"),
        Address("board without a room", reverse("board") + "?seats=200"),
        Address("board on a closed day", "/tablica/2026-11-28/"),
        Address("board, no such date", reverse("board") + "?day=pt.+3.12", status=422),
        Address("week", reverse("week")),
        Address("week to come, one site", reverse("board_week", args=[date(2026, 12, 3)]) + "?site=KOS"),
        Address("week, no such date", reverse("week") + "?day=31.11", status=422),
        Address("calendar", reverse("month", args=[date(2026, 12, 3)])),
        Address("week without a room", reverse("week") + "?seats=200"),
        Address("booking, empty", reverse("booking_new")),
        Address("booking, filled", reverse("booking_new") + filled),
        Address("booking, taken", reverse("booking_new") + taken),
        *kept_pages(scene),
        Address("session of mine", reverse("booking_show", args=[number])),
        Address("session, over", reverse("booking_show", args=[scene.over.number])),
        Address("session, just cancelled", reverse("booking_show", args=[scene.cancelled.number])),
        Address("session of mine, change", reverse("booking_edit", args=[number])),
        Address("session of mine, cancel", reverse("booking_cancel", args=[number])),
        Address("session, as a guest sees it", reverse("booking_show", args=[number]), who="colleague"),
        Address("session of mine, who is silent", reverse("booking_show", args=[number]) + "?osoby=brak"),
        Address("session of mine, an address", reverse("attendee_address", args=[number, guest.pk])),
        Address("door sheets", reverse("door_sheets", args=[number])),
        Address("roll call", reverse("roll_call", args=[number])),
        Address("series in progress", reverse("booking_show", args=[scene.series.number])),
        Address("series, past and to come", reverse("booking_show", args=[scene.series.number]) + "?minione"),
        Address("series, a moved meeting", reverse("booking_show", args=[scene.series.number]) + moved),
        Address("series, a cancelled meeting", reverse("booking_show", args=[scene.series.number]) + gone),
        Address("series, what to change", reverse("booking_scope", args=[scene.series.number]) + moved),
        Address("series, what to cancel", reverse("booking_cancel", args=[scene.series.number]) + moved),
        Address("request of mine", reverse("booking_show", args=[scene.request.number])),
        Address("request of mine, withdraw", reverse("booking_cancel", args=[scene.request.number])),
        Address("my sessions", reverse("my_sessions")),
        Address("my sessions, past", reverse("my_sessions") + "?past"),
        Address("my sessions, none", reverse("my_sessions"), who="newcomer"),
        Address("account", reverse("account_show")),
        Address("reminders of mine", reverse("reminder_choice")),
        Address("reminders of mine, no site", reverse("reminder_choice"), who="newcomer"),
        Address("reminders of a site", reverse("site_reminders"), who="manager"),
        Address("reminders of sites", reverse("site_reminders") + "?site=TAB", who="it_admin"),
        Address("calendars to subscribe to", reverse("feed_list")),
        Address("calendars to subscribe to, none", reverse("feed_list"), who="newcomer"),
        Address("change password", reverse("account_change_password")),
        Address("sign-out", reverse("account_logout")),
        Address("preferences, signed in", reverse("preferences")),
        Address("403", reverse("booking_new"), who="newcomer", status=403),
        Address("404", "/nie/ma/takiej/", status=404),
    ]


def kept_pages(scene: Scene) -> list[Address]:
    """Drafts and templates, and forms that begin from them."""
    new = reverse("booking_new")
    draft, template = KeptForm.objects.get(), FormTemplate.objects.get(owner=scene.office.staff)
    return [
        Address("drafts", reverse("kept_forms")),
        Address("drafts, none", reverse("kept_forms"), who="newcomer"),
        Address("booking, a draft", f"{new}?szkic={draft.pk}"),
        Address("templates", reverse("template_list")),
        Address("templates, none", reverse("template_list"), who="newcomer"),
        Address("booking, a template", f"{new}?wzor={template.pk}"),
        Address("booking again", f"{new}?again={scene.coming.number}"),
        Address("a session as a template", reverse("template_new") + f"?sesja={scene.coming.number}"),
    ]


def around_pages(scene: Scene) -> list[Address]:
    """Pages around sessions: what is asked for, waited for, and laid down."""
    slot = "?day=3.12.2026&start=10&end=11"
    weekly = slot + "&repeat=weekly&until=28.01.2027"
    chosen = f"&rooms={scene.office.room('KOS/2.14').pk}&participants=user:{scene.office.colleague.pk}"
    return [
        Address("find a room", reverse("room_find") + slot),
        Address("find a room, every week", reverse("room_find") + weekly + chosen),
        Address("find a room, several meant", reverse("room_find") + slot + "&who=urzad.example"),
        Address("find a room, bad input", reverse("room_find") + "?day=31.11&start=x&end=&seats=0", status=422),
        Address("search for sessions", reverse("session_search")),
        Address("search, found", reverse("session_search") + "?q=odprawa"),
        Address("search, found by a guest", reverse("session_search") + "?q=cwik&mine=on&state=coming"),
        Address("search, found on the board", reverse("session_search") + "?q=odprawa", who="newcomer"),
        Address("search, nothing", reverse("session_search") + "?q=nieznany+3+grudnia&state=past"),
        Address("search, bad input", reverse("session_search") + "?q=odprawa&since=31.11", status=422),
        Address("my sessions, those I lead", reverse("my_sessions") + "?only=led"),
        Address("my sessions, none of those I am invited to", reverse("my_sessions") + "?only=invited&past"),
        Address("closures", reverse("closure_list"), who="manager"),
        Address("closures, past", reverse("closure_list") + "?past", who="manager"),
        Address("new closure", reverse("closure_new"), who="manager"),
        Address("waiting list", reverse("waiting_list")),
        Address("waiting list, none", reverse("waiting_list"), who="newcomer"),
        Address("requests to answer", reverse("approval_list"), who="manager"),
        Address("requests of mine", reverse("approval_list")),
        Address("rules that bind me", reverse("rules_show")),
        Address("all rules", reverse("rules_show") + "?all"),
    ]


def mail_pages() -> list[Address]:
    mail = Message.objects.filter(sent_at__isnull=False).earliest("pk")
    file = mailfiles.written()[0].name
    pages = [
        ("mails", reverse("notifications:mail_list")),
        ("incoming mails", reverse("mailbox:inbound_list")),
        ("personal data, dry run", reverse("personal_data") + "?proba=tak"),
        ("text about data protection", reverse("privacy_edit")),
        ("one mail", reverse("notifications:mail_show", args=[mail.pk])),
        ("mail files", reverse("notifications:file_list")),
        ("one mail file", reverse("notifications:file_show", args=[file])),
    ]
    return [Address(name, path, who="it_admin") for name, path in pages]


def conference_pages() -> list[Address]:
    server, conference = ConferenceServer.objects.get(), Conference.objects.filter(occurrence=None).get()
    person = Presence.objects.filter(attendee__isnull=False).get()
    number = person.attendee.booking.number
    pages = [
        ("session whose conference runs", reverse("booking_show", args=[number])),
        ("taking somebody out", reverse("jitsi_person_remove", args=[number, person.pk])),
        ("ending the conference of a session", reverse("jitsi_conference_end", args=[number])),
        ("conferences", reverse("jitsi_desk")),
        ("ending a conference", reverse("jitsi_desk_end", args=[conference.key])),
        ("settings of a server", reverse("jitsi_server_settings", args=[server.pk])),
        ("settings, an example", reverse("jitsi_example_settings") + "?rodzaj=debian"),
        ("self-test", reverse("jitsi_server_selftest", args=[server.pk])),
    ]
    return [Address(name, path, who="it_admin") for name, path in pages]


def webhook_pages() -> list[Address]:
    chat = {"url": "https://chat.urzad.example/hooks/abc", "events": ["booked", "cancelled"], "created_at": NOW}
    webhook, _made = Webhook.objects.get_or_create(name="Panele przy salach", defaults=chat)
    off = {**chat, "is_active": False, "stopped_at": NOW, "stopped_why": "410 Gone"}
    stopped, _made = Webhook.objects.get_or_create(name="Czat", defaults=off)
    call = {
        "topic": "booked",
        "data": {"event": 1, "answer": {"status": 503, "ms": 812}},
        "recipient": "webhook-1@chat",
    }
    times = {"due_at": NOW, "give_up_at": NOW, "created_at": NOW}
    if not webhook.calls.exists():
        answered = {"state": "retrying", "attempts": 2, "last_error": "503 busy"}
        Message.objects.create(kind="webhook", webhook=webhook, **call, **times, **answered)
    pages = [
        ("webhooks", reverse("webhook_list")),
        ("new webhook", reverse("webhook_new")),
        ("one webhook", reverse("webhook_show", args=[webhook.pk])),
        ("webhook that switched itself off", reverse("webhook_show", args=[stopped.pk])),
        ("changing a webhook", reverse("webhook_edit", args=[webhook.pk])),
        ("deleting a webhook", reverse("webhook_delete", args=[webhook.pk])),
        ("one call of a webhook", reverse("notifications:mail_show", args=[webhook.calls.get().pk])),
    ]
    return [Address(name, path, who="it_admin") for name, path in pages]


def licence_pages() -> list[Address]:
    desk = reverse("licence_desk")
    return [
        Address("licences", desk, who="it_admin"),
        Address("licences, tables and a site", desk + "?widok=tabela&lokalizacja=KOS", who="it_admin"),
        Address("licences, as a manager sees them", desk + "?dzien=2026-12-03", who="manager"),
        Address("refusals for lack of a licence", reverse("licence_refusals"), who="manager"),
    ]


def all_pages(scene: Scene) -> list[Address]:
    return [
        *public_pages(scene),
        *join_pages(scene),
        *staff_pages(scene),
        *around_pages(scene),
        *licence_pages(),
        *mail_pages(),
        *conference_pages(),
        *webhook_pages(),
    ]


#: The language of pages for guests, who read the language of their invitation.
SPOKEN = {
    "join, too early": "pl",
    "answer": "pl",
    "guest, answer chosen in the mail": "pl",
    "guest, a series that is on": "en",
    "guest, zone": "pl",
    "guest, colleague": "pl",
    "guest, office": "pl",
    "guest, leaving": "pl",
    "guest, address": "pl",
    "guest, address confirmed": "pl",
    "guest, data": "pl",
    "guest, data, erase": "pl",
    "join, over": "en",
    "reminders of a guest": "pl",
    "reminders, switched off": "pl",
}
