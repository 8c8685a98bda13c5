"""Templates with their constants written out say what they say without it, in every language."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.template import Context, Engine
from django.utils import translation

_PAGES = {
    "base.html": '{% load i18n %}<p>{% translate "Book" %}</p>{% block body %}{% translate "Search" %}{% endblock %}',
    "page.html": (
        '{% extends "base.html" %}{% load i18n static %}{% block body %}{{ block.super }}'
        '<a href="{% url "board" %}" title="{% translate "Day board" %}">{% icon "plus" %}{{ name }}</a>'
        '{% for each in names %}<i>{% icon "lock" label=_("closed session") %}{{ each }}</i>{% empty %}'
        '{% translate "no sessions" %}{% endfor %}'
        '{% if name %}{% translate "Yes" %}{% else %}{% translate "No" %}{% endif %}'
        '{% translate "Book" as word %}{% with word=word %}[{{ word }}]{% endwith %}'
        '{% translate name %}{% translate "full" context "licences" %}{% static "icons.svg" %}'
        "{% blocktranslate count count=names|length %}{{ count }} room{% plural %}{{ count }} rooms"
        "{% endblocktranslate %}"
        "{% endblock %}"
    ),
    "text.txt": '{% load i18n %}{% autoescape off %}{% translate "a & b" %}{% endautoescape %}|{% translate "a & b" %}',
}
_PLAIN = ("django.template.loaders.locmem.Loader", _PAGES)
_TAGS = {
    "i18n": "django.templatetags.i18n",
    "static": "django.templatetags.static",
}


def _engine(loader: object) -> Engine:
    (configured,) = settings.TEMPLATES
    return Engine(loaders=[loader], libraries=_TAGS, builtins=configured["OPTIONS"]["builtins"])


_FOLDED = _engine(("config.folded_templates.Loader", [_PLAIN]))


@pytest.mark.parametrize("page", ["base.html", "page.html", "text.txt"])
@pytest.mark.parametrize("names", [[], ["<b>", "Ł"]])
def test_a_page_is_as_it_would_be(page: str, names: list[str]) -> None:
    plain = _engine(_PLAIN)
    for language in ("pl", "en", "pl", "en"):
        with translation.override(language):
            said = {"name": "Zażółć <gęślą>", "names": names}
            assert _FOLDED.get_template(page).render(Context(said)) == plain.get_template(page).render(Context(said))


def test_what_stands_side_by_side_is_one_piece() -> None:
    """Else nothing would be gained, and nobody would notice."""
    (first, *rest) = _FOLDED.get_template("base.html").nodelist
    assert type(first).__name__ == "_Constant"
    assert len(rest) == 1


def test_the_product_loads_its_templates_so() -> None:
    (configured,) = settings.TEMPLATES
    assert configured["OPTIONS"]["loaders"][0][0] == "config.folded_templates.Loader"
