"""Lets the page of a guest ask and say who will take part."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.template import Context

from bookings.party_queries import Party, party_of
from integrations.guests.people_forms import SideForm
from integrations.guests.visits import Visit

register = template.Library()


@dataclass(frozen=True, slots=True)
class Panel:
    """What a guest may say of people; `form`: of their own side."""

    form: SideForm
    party: Party
    may_send: bool
    may_register: bool
    may_readdress: bool


@register.simple_tag(takes_context=True)
def people_panel(context: Context, visit: Visit) -> Panel:
    """Return what the panel shows; a form that came back with what is wrong in it stays as it is."""
    attendee = visit.attendee
    has_account, is_closed = attendee.user_id is not None, attendee.booking.is_private
    return Panel(
        form=context.get("side_form") or SideForm.of(attendee),
        party=party_of(attendee),
        may_send=not is_closed,
        may_register=not is_closed and not has_account and attendee.named_by_id is None,
        may_readdress=not is_closed and not has_account,
    )
