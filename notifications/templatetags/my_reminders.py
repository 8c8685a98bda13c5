"""Lets the account page say of what its owner is reminded: {% my_reminders user as reminders %}."""

from __future__ import annotations

from django import template

from accounts.models import User
from notifications.reminder_terms import choice_of, terms_of_sites_of
from notifications.reminder_words import Effect, before_text, effects

register = template.Library()


@register.simple_tag
def my_reminders(user: User) -> list[Effect]:
    """Return „24 godziny i 15 minut przed”, for each site where the sites differ."""
    return effects(choice_of(user), terms_of_sites_of(user), lambda terms: before_text(terms.leads))
