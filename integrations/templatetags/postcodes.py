"""Keeps postcodes in one line: {{ place.address|whole_postcodes }}. Browsers break a line after a hyphen."""

from __future__ import annotations

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_POSTCODE = re.compile(r"\b\d{2}-\d{3}\b")


@register.filter
def whole_postcodes(address: str) -> SafeString:
    whole = _POSTCODE.sub(r'<span class="nowrap">\g<0></span>', escape(address))
    return mark_safe(whole)  # noqa: S308  the address is escaped above
