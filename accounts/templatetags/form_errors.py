"""Counts what is wrong with a form: {{ form|wrong_fields }}."""

from django import template
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BaseForm

register = template.Library()


@register.filter
def wrong_fields(form: BaseForm) -> int:
    """Return how many fields have to be corrected; what is wrong with the form as a whole is in none of them."""
    return len(form.errors.keys() - {NON_FIELD_ERRORS})
