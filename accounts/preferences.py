"""How pages look to one visitor: theme and contrast, kept in cookies so that the server renders them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

THEMES = ("", "light", "dark")
CONTRASTS = ("", "normal", "more")
_YEAR_SECONDS = 31_536_000
_COOKIES = {"theme": "narada_theme", "contrast": "narada_contrast"}


@dataclass(frozen=True)
class Appearance:
    """An empty value means: as the visitor's system says."""

    theme: str = ""
    contrast: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Appearance:
        """Read the choice from the cookies; whatever is not a known value counts as no choice."""
        theme = request.COOKIES.get(_COOKIES["theme"], "")
        contrast = request.COOKIES.get(_COOKIES["contrast"], "")
        return cls(theme if theme in THEMES else "", contrast if contrast in CONTRASTS else "")

    def keep(self, response: HttpResponseBase) -> None:
        for name, value in (("theme", self.theme), ("contrast", self.contrast)):
            _keep(response, _COOKIES[name], value)


def keep_language(response: HttpResponseBase, language: str) -> None:
    """Remember the language for pages before sign-in; a user's own language is stored with the user."""
    _keep(response, settings.LANGUAGE_COOKIE_NAME, language)


def _keep(response: HttpResponseBase, name: str, value: str) -> None:
    if not value:
        response.delete_cookie(name, samesite="Lax")
        return
    response.set_cookie(
        name, value, max_age=_YEAR_SECONDS, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE, httponly=True
    )


@dataclass(frozen=True)
class Office:
    """Whose pages these are, and whom to ask for help (settings OFFICE_NAME, SUPPORT_CONTACT)."""

    name: str
    support: str

    @property
    def support_href(self) -> str:
        """A link for an e-mail address or a telephone number; empty for any other text."""
        if "@" in self.support and " " not in self.support:
            return f"mailto:{self.support}"
        digits = self.support.replace(" ", "")
        return f"tel:{digits}" if digits.removeprefix("+").isdigit() else ""


def office() -> Office:
    return Office(name=settings.OFFICE_NAME, support=settings.SUPPORT_CONTACT)


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what base.html needs on every page."""
    return {"appearance": Appearance.of(request), "office": office()}
