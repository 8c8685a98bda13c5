"""The licences of the session in the booking form: where they come from, and from where else they could."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.availability import Assessment, PlannedMeeting, Take
from bookings.availability.picture import LicenceState
from bookings.licence_form import MAX_EMERGENCY_REASON
from bookings.models import BookingEvent, LicenceHold
from bookings.queries import BookingDetails
from bookings.rules import Code, Refusal
from bookings.views.booking_tracks import Offer
from rooms.queries import sites

if TYPE_CHECKING:
    from bookings.views.booking_page import Page


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, with a button that takes it back. `has_reason`: the reason is written here."""

    text: str
    undo: str
    undo_label: str
    has_reason: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """How many licences the session needs and where they come from: each pool a sentence."""

    count: int
    title: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offers:
    """Licences from elsewhere, as buttons. `emergency`: an emergency seat is free, for a reason."""

    borrow: tuple[Offer, ...] = ()
    emergency: bool = False


def borrow(data: QueryDict, site: str) -> None:
    data["borrow_from"] = site


def stop_borrowing(data: QueryDict, _about: str) -> None:
    data["borrow_from"] = ""


def use_emergency(data: QueryDict, _about: str) -> None:
    data["emergency"] = "on"


def do_without_emergency(data: QueryDict, _about: str) -> None:
    data["emergency"] = ""


def open_booking(data: QueryDict, details: BookingDetails) -> None:
    """Fill in whose licence the booking uses already, so that a change keeps it where it is needed."""
    lender = next((hold.site_id for hold in details.licences if hold.borrowed_by_id is not None), None)
    data["borrow_from"] = "" if lender is None else str(lender)
    if any(hold.source == LicenceHold.Source.EMERGENCY for hold in details.licences):
        told = (event.data.get("reason") for event in details.events if event.kind == BookingEvent.Kind.EMERGENCY)
        if reason := next(filter(None, told), ""):
            data["emergency"], data["emergency_reason"] = "on", reason


def takes_of(page: Page) -> tuple[Take, ...]:
    """Return the licences of the session that is looked at."""
    judged, meeting = _looked_at(page)
    return judged.takes.get(meeting.on, ()) if judged and meeting else ()


def context(page: Page) -> dict[str, Any]:
    """Return what the templates draw."""
    offers = _offers(page)
    has_emergency = bool(page.draft.data.get("emergency"))
    return {
        "licence_box": _box(page),
        "licence_wishes": list(_wishes(page, with_reason=not offers.emergency)),
        "licence_offers": offers,
        "borrow_from": page.draft.data.get("borrow_from") or "",
        "has_emergency": has_emergency,
        # What was typed goes along also while there is no place for it on the page.
        "has_reason_field": offers.emergency or has_emergency,
        "max_reason": MAX_EMERGENCY_REASON,
    }


def _looked_at(page: Page) -> tuple[Assessment | None, PlannedMeeting | None]:
    judged = page.outcome.usual if page.outcome else page.assessment
    meetings = judged.meetings if judged else ()
    return judged, next((item for item in meetings if item.interval == page.looked_at_interval), None)


def _box(page: Page) -> Box | None:
    judged, meeting = _looked_at(page)
    if page.picture is None or judged is None or meeting is None or not judged.facts.pools:
        return None
    states, takes = page.picture.licences, takes_of(page)
    if not states:
        if not meeting.rooms or any(room.needs_licence for room in meeting.rooms):
            return None
        title = ngettext("This room needs no licence", "These rooms need no licence", len(meeting.rooms))
        return Box(0, title, ())
    count = sum(state.seats for state in states)
    texts = [_of_pool(page, judged, state, takes) for state in states]
    if len(states) > 1:
        texts = [
            _("%(pool)s: %(text)s") % {"pool": state.pool, "text": text}
            for state, text in zip(states, texts, strict=True)
            if text
        ]
    title = ngettext("licence for the session", "licences for the session", count)
    return Box(count, title, tuple(filter(None, texts)))


def _of_pool(page: Page, judged: Assessment, state: LicenceState, takes: Sequence[Take]) -> str:
    """Say where the session's seats of one pool come from: first what is special, then share or reserve.

    What was asked for here has its button, which says the same.
    """
    wished = bool(page.draft.data.get("borrow_from")), bool(page.draft.data.get("emergency"))
    own = [take for take in takes if take.pool_id == state.pool_id]
    found = [_named(page, judged, take) for take in own if take.named_id is not None]
    if any(take.source == "emergency" for take in own):
        found.append("" if wished[1] else _("an emergency licence."))
    elif any(take.borrower_id is not None for take in own):
        found.append("" if wished[0] else _("borrowed from another site."))
    shared = sum(take.seats for take in own if take.source == "share" and take.borrower_id is None)
    if not found or shared:
        found.append(_from_share(state, shared))
    return " ".join(filter(None, found))


def _named(page: Page, judged: Assessment, take: Take) -> str:
    seat = next(item for item in judged.facts.pools[take.pool_id].named if item.pk == take.named_id)
    if seat.room_id is not None and seat.room_id in judged.facts.rooms:
        return _("the licence of %(room)s.") % {"room": judged.facts.rooms[seat.room_id].name}
    return _("your own licence.") if seat.user_id == page.user.pk else _("the organiser's own licence.")


def _from_share(state: LicenceState, seats: int) -> str:
    """Say how the share stands, or the reserve where `seats`, which the session takes of both, are more than is left.

    0: it can't have them.
    """
    own = min(seats, max(0, state.site_share - state.site_use))
    if not (state.site_share and state.site):
        text = _("from the reserve. In use at all sites at that time: %(in_use)d of %(granted)d.")
    elif own == seats:
        text = _(
            "from the share of %(site)s: %(use)d of %(share)d taken at that time. "
            "In use at all sites: %(in_use)d of %(granted)d."
        )
    elif own:
        text = _(
            "%(own)d from the share of %(site)s, %(rest)d from the common reserve. "
            "In use at all sites at that time: %(in_use)d of %(granted)d."
        )
    else:
        text = _(
            "from the common reserve: the share of %(site)s (%(share)d) is used up at that time. "
            "In use at all sites: %(in_use)d of %(granted)d."
        )
    return text % {
        "site": state.site.name if state.site else "",
        "use": min(state.site_use, state.site_share),
        "share": state.site_share,
        "own": own,
        "rest": seats - own,
        "in_use": state.in_use,
        "granted": state.granted,
    }


def _wishes(page: Page, *, with_reason: bool) -> Iterator[Wish]:
    """Say of what was asked for whether it serves, is not needed, or can't be had."""
    lender = page.form.licence.borrow_from
    takes = [take for taken in page.assessment.takes.values() for take in taken] if page.assessment else []
    is_short = any(item.code == Code.LICENCE_NONE_FREE for item in page.refusals)
    site = next((item for item in sites() if item.pk == lender), None) if lender is not None else None
    if site is not None:
        dates = sum(take.borrower_id is not None and take.site_id == lender for take in takes)
        yield Wish(
            _borrowed_words(page, dates, is_short=is_short) % {"site": site.name, "count": dates},
            "unborrow",
            _("Do not borrow from %(site)s") % {"site": site.name},
        )
    if page.draft.data.get("emergency"):
        is_used = any(take.source == "emergency" for take in takes)
        text = _("emergency licence") if is_used else _emergency_words(page, is_short=is_short)
        yield Wish(text, "noemergency", _("Do without an emergency licence"), with_reason)


def _borrowed_words(page: Page, dates: int, *, is_short: bool) -> str:
    if dates and page.outcome is None:
        return _("licence borrowed from: %(site)s")
    if dates:
        return ngettext(
            "licence borrowed from: %(site)s, on %(count)d date",
            "licence borrowed from: %(site)s, on %(count)d dates",
            dates,
        )
    if is_short:
        return _("%(site)s can't lend a licence at that time")
    return _("a licence is free, so none is borrowed from %(site)s")


def _emergency_words(page: Page, *, is_short: bool) -> str:
    if page.form.errors.get("emergency_reason"):
        return _("emergency licence, once there is a reason")
    return _("no emergency licence is free then") if is_short else _("a licence is free, so no emergency one is used")


def _offers(page: Page) -> Offers:
    """Return each site to borrow from once, the one that serves most dates first, and whether emergency seats help."""
    found: Sequence[Refusal] = page.outcome.usual_refusals if page.outcome else page.refusals
    fixes = [fix for item in found if item.code == Code.LICENCE_NONE_FREE for fix in item.fixes]
    lenders = Counter((fix.site_id, fix.site_name) for fix in fixes if fix.kind == "borrow")
    offers = (
        Offer(_borrow_words(page, name, count), f"borrow {site_id}") for (site_id, name), count in lenders.most_common()
    )
    return Offers(tuple(offers), any(fix.kind == "emergency" for fix in fixes))


def _borrow_words(page: Page, site: str, dates: int) -> str:
    if page.outcome is None:
        return _("Borrow a licence of %(site)s") % {"site": site}
    words = ngettext(
        "Borrow a licence of %(site)s on %(count)d date", "Borrow a licence of %(site)s on %(count)d dates", dates
    )
    return words % {"site": site, "count": dates}
