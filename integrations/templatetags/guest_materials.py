"""Lets the page of an invited person show files and notes: {% materials_for_visit visit as materials %}."""

from __future__ import annotations

from django import template

from integrations.guests.materials import Given, given_to
from integrations.guests.visits import Visit

register = template.Library()


@register.simple_tag
def materials_for_visit(visit: Visit) -> list[Given]:
    """Return what the organizer has added for this person."""
    return given_to(visit)
