"""Draws icons of the sprite static/icons.svg: {% icon "plus" %}, or {% icon "doc" label=_("document camera") %}."""

from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str, *, label: str = "") -> SafeString:
    """Draw the symbol `i-<name>`. Without a label it is decoration, and a word must stand beside it."""
    return _drawn(name, str(label), static("icons.svg"))


@lru_cache(maxsize=512)
def _drawn(name: str, label: str, sprite: str) -> SafeString:
    return format_html(
        '<svg class="icon" viewBox="0 0 20 20" {}><use href="{}#i-{}"/></svg>',
        format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"'),
        sprite,
        name,
    )
