"""Leaves out of a form what is no longer there, where it begins from a template or an old session, and says so."""

from __future__ import annotations

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import queries as people_queries
from accounts.models import User
from bookings import guests
from bookings.guests import ADDRESS, Entry
from bookings.wishes_form import MOVABLE
from rooms.models import MovableEquipment, Room
from rooms.permissions import SiteRoles
from rooms.queries import filter_equipment


def leave_out_gone(data: QueryDict, *, user: User) -> list[str]:
    """Leave out rooms, people and equipment that can't be had any more; return a sentence about each kind."""
    found = [*_leave_out_rooms(data, user), *_leave_out_people(data), _leave_out_equipment(data)]
    return [sentence for sentence in found if sentence]


def _leave_out_rooms(data: QueryDict, user: User) -> list[str]:
    wanted = [text for text in data.getlist("rooms") if text.isascii() and text.isdigit() and len(text) < 19]
    roles = SiteRoles.of(user)
    known = {str(room.pk): room for room in Room.objects.filter(pk__in=wanted)}
    left = [text for text in wanted if text in known and roles.may_ask(known[text])]
    data.setlist("rooms", left)
    data["order"] = ",".join(text for text in data.get("order", "").split(",") if text in left)
    closed = [known[text].name for text in wanted if text in known and text not in left]
    return [_named_words(closed), _room_words(sum(text not in known for text in wanted))]


def _named_words(closed: list[str]) -> str:
    if not closed:
        return ""
    return _("Left out, because it can’t be booked any more: %(names)s.") % {"names": ", ".join(closed)}


def _room_words(count: int) -> str:
    if not count:
        return ""
    words = ngettext(
        "%(count)d room is no longer there and was left out.",
        "%(count)d rooms are no longer there and were left out.",
        count,
    )
    return words % {"count": count}


def _leave_out_people(data: QueryDict) -> list[str]:
    entries = guests.read_tokens(data.getlist("participants"))
    known = people_queries.named([entry.key for entry in entries if entry.kind != ADDRESS])

    def is_there(entry: Entry) -> bool:
        found = None if entry.kind == ADDRESS else known.get(entry.key)
        return entry.kind == ADDRESS or (found is not None and found.is_active)

    data.setlist("participants", [entry.token for entry in entries if is_there(entry)])
    gone = [entry for entry in entries if not is_there(entry)]
    names = [known[entry.key].name for entry in gone if entry.key in known]
    count = len(gone) - len(names)
    said = [_("Left out, because they can’t be invited any more: %(names)s.") % {"names": ", ".join(names)}]
    words = ngettext(
        "%(count)d participant is no longer known and was left out.",
        "%(count)d participants are no longer known and were left out.",
        count,
    )
    return [*(said if names else []), words % {"count": count} if count else ""]


def _leave_out_equipment(data: QueryDict) -> str:
    features = {str(item.pk) for item in filter_equipment()} if data.getlist("feature") else set()
    pieces = [name for name in data if name.startswith(MOVABLE)]
    known = {f"{MOVABLE}{pk}" for pk in MovableEquipment.objects.values_list("pk", flat=True)} if pieces else set()
    gone = [text for text in data.getlist("feature") if text not in features]
    gone += [name for name in pieces if name not in known]
    data.setlist("feature", [text for text in data.getlist("feature") if text in features])
    for name in pieces:
        if name not in known:
            del data[name]
    return _("Equipment that is no longer there was left out.") if gone else ""
