"""Says why somebody could not be brought along, in words for whoever named them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bookings import services
from bookings.services import NamingRefused, Problem, Reason


def problem_words(problem: Problem) -> str:
    """Return what is wrong with one person, and what to do about it."""
    values = {"address": problem.email[:80], "name": problem.attendee.label if problem.attendee else ""}
    match problem.reason:
        case Reason.TWICE:
            return _("%(address)s stands here twice. Please clear one of the two.") % values
        case Reason.INVITED:
            return _("%(address)s is invited already, so no second invitation is needed.") % values
        case Reason.SENT_YOU:
            words = _("%(name)s is sending you. If you can't come, please answer “no” or send another colleague.")
            return words % values
        case _ if not problem.email:
            return _("Say where to send the invitation.")
        case _:
            words = _("“%(address)s” is no address that mail can be sent to. Write it as name@office.example.")
            return words % values


def refused_words(refused: NamingRefused) -> str:
    """Return why nobody was invited, where it is about no single person."""
    values = {"name": refused.attendee.label if refused.attendee else "", "count": refused.limit}
    match refused.reason:
        case Reason.CLOSED:
            words = _("This is a closed session, so the organizer decides who takes part. Please ask them.")
        case Reason.TOO_OFTEN:
            words = _("You have changed this very often within an hour. Please try again later, or call.")
        case Reason.TOO_MANY if refused.limit == services.MAX_REGISTERED:
            words = _("You can register %(count)d people. Please ask the organizer to invite the others.")
        case Reason.TOO_MANY:
            words = _("At most %(count)d people can take part in a session. Please ask the organizer what to do.")
        case Reason.NOT_YOURS:
            words = _("People are registered from the address that was invited first. Please ask the organizer.")
        case Reason.CHAIN:
            words = _("This invitation was passed on several times already. Please ask the organizer to invite them.")
        case Reason.ANSWERED:
            words = _("%(name)s has answered already. Take the invitation back first if somebody else is to come.")
        case _:
            words = _("Somebody changed this at the same moment. Please look at it and send it again.")
    return words % values
