"""Decisions on a session's page about what was answered: let it count, invite, accept another time, or not."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from bookings import services
from bookings.models import Answer, Attendee, Booking, Proposal
from bookings.queries import booking_for
from bookings.rules import Refusal
from bookings.views.sessions import found_or_404
from bookings.wording import fix_text, refusal_text

#: What the buttons of one's own answer say.
_GIVEN = {
    "yes": Attendee.PartStat.ACCEPTED,
    "maybe": Attendee.PartStat.TENTATIVE,
    "no": Attendee.PartStat.DECLINED,
}


@require_POST
def answer_settle(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """Let an answer count, or invite whom it brings; `do=dismiss` sets it aside."""
    assert isinstance(request.user, User)
    booking = _booking(request, number)
    answer = booking.answers.filter(pk=pk).first()
    if answer is None or request.POST.get("do") not in {"confirm", "dismiss"}:
        raise Http404
    confirm = request.POST["do"] == "confirm"
    try:
        services.settle_answer(answer, confirm=confirm, by=request.user, now=timezone.now())
    except services.Refused as refused:
        _say_refused(request, refused.refusals, booking)
    except (services.NotAllowed, services.AlreadyDecided, services.AlreadyOver) as error:
        _say_why_not(request, error)
    else:
        messages.success(request, _settled_words(answer) if confirm else _("The answer is set aside."))
    return redirect(f"{booking_url(booking)}#people")


@require_POST
def answer_give(request: HttpRequest, number: str) -> HttpResponseBase:
    """Answer for oneself: to the meeting that the page showed, or with `about=all` to the whole series.

    `sequence`: of the state that the page showed; what was moved since is not answered by it.
    """
    assert isinstance(request.user, User)
    now = timezone.now()
    details = found_or_404(request, number, now=now)
    partstat = _GIVEN.get(request.POST.get("do", ""))
    if details.mine is None or details.mine.is_organizer or partstat is None:
        raise Http404
    is_all = not details.booking.is_series or request.POST.get("about") == "all"
    given = services.GivenAnswer(
        partstat, request.POST.get("comment", ""), sequence=_number(request, "sequence"), via=Answer.Via.PAGE
    )
    occurrence = None if is_all else details.occurrence
    found = services.record_answer(details.mine, given, occurrence=occurrence, now=now)
    if found.standing == Answer.Standing.COUNTED:
        messages.success(request, _("Your answer is noted."))
    else:
        messages.warning(request, _("The session has changed meanwhile. Look at it again, and then answer."))
    day = urlencode({"spotkanie": details.on(details.occurrence).isoformat()})
    return redirect(
        f"{booking_url(details.booking)}?{day}" if details.booking.is_series else booking_url(details.booking)
    )


@require_POST
def proposal_decide(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """Accept a proposed time, which moves the meeting and tells everybody, or decline it, which tells who proposed."""
    assert isinstance(request.user, User)
    booking = _booking(request, number)
    proposal = booking.proposals.select_related("occurrence", "attendee").filter(pk=pk).first()
    if proposal is None or request.POST.get("do") not in {"accept", "decline"}:
        raise Http404
    try:
        if request.POST["do"] == "accept":
            version = _number(request, "version")
            changed = services.accept_proposal(proposal, by=request.user, now=timezone.now(), version=version)
            messages.success(request, _("The time is accepted: the session has moved, and everybody is told."))
            return redirect(booking_url(changed))
        services.decline_proposal(proposal, by=request.user, now=timezone.now())
        words = _("The time stays as it is; %(name)s is told.") % {"name": proposal.attendee.label}
        messages.success(request, words)
    except services.Refused as refused:
        _say_refused(request, refused.refusals, booking, proposal)
    except (services.NotAllowed, services.AlreadyDecided, services.AlreadyOver) as error:
        _say_why_not(request, error)
    return redirect(f"{booking_url(booking)}#people")


def booking_url(booking: Booking) -> str:
    return reverse("booking_show", args=[booking.number])


def _booking(request: HttpRequest, number: str) -> Booking:
    """Return the session for somebody who may open it: others are not told that there is one."""
    assert isinstance(request.user, User)
    try:
        return booking_for(request.user, number)
    except Booking.DoesNotExist:
        raise Http404 from None


def _number(request: HttpRequest, name: str) -> int:
    """Return a number that the page carried: its version, its SEQUENCE. Without one, 0: what is oldest."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _settled_words(answer: Answer) -> str:
    if answer.attendee_id is None:
        return _("The invitation is on its way: %(name)s.") % {"name": answer.name or answer.email}
    if answer.delegated_to:
        return _("The invitation is on its way: %(name)s.") % {"name": answer.delegated_to}
    return _("The answer counts.")


def _say_refused(
    request: HttpRequest, refusals: Sequence[Refusal], booking: Booking, proposal: Proposal | None = None
) -> None:
    """Say each reason, and which ways out were found; the form that moves the session offers them by a click."""
    for refusal in refusals:
        words = refusal_text(refusal)
        if proposal is not None and refusal.fixes:
            asked_on = proposal.period.lower.astimezone(booking.zone).date()
            ways = "; ".join(fix_text(fix, asked_on=asked_on) for fix in refusal.fixes)
            words = " ".join([words, _("This would work: %(ways)s.") % {"ways": ways}])
        messages.error(request, words)


def _say_why_not(request: HttpRequest, error: Exception) -> None:
    if isinstance(error, services.NotAllowed):
        messages.error(request, _("Only the organiser and site managers decide about answers. Ask one of them."))
    elif isinstance(error, services.AlreadyDecided):
        messages.warning(request, _("That was settled meanwhile, so nothing was done."))
    else:
        messages.warning(request, _("This session is over or cancelled, so there is nothing left to change."))
