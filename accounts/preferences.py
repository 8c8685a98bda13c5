"""How pages look to one visitor: theme and contrast, kept in cookies so that the server renders them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import get_language

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
        return f"mailto:{self.support}" if _is_email(self.support) else _phone_href(self.support)

    @property
    def accessibility(self) -> Accessibility:
        return Accessibility.of(self)


@dataclass(frozen=True)
class Accessibility:
    """What the accessibility statement says that follows from the office (settings ACCESSIBILITY_…).

    `drawn_up_on`: when the statement as it stands was written; it changes with its text. `person`, `email`, `phone`
    and `buildings_url` may be empty: the page then says where to ask.
    """

    url: str
    published_on: date
    updated_on: date
    person: str
    email: str
    phone: str
    buildings_url: str
    drawn_up_on: date = date(2026, 11, 28)

    @classmethod
    def of(cls, office: Office) -> Accessibility:
        """Whoever helps answers questions about accessibility too, unless somebody else is named."""
        support = office.support
        return cls(
            url=f"{settings.BASE_URL}/",
            published_on=settings.ACCESSIBILITY_PUBLISHED_ON,
            updated_on=settings.ACCESSIBILITY_UPDATED_ON,
            person=settings.ACCESSIBILITY_CONTACT,
            email=settings.ACCESSIBILITY_EMAIL or (support if _is_email(support) else ""),
            phone=settings.ACCESSIBILITY_PHONE or ("" if _is_email(support) else support),
            buildings_url=settings.ACCESSIBILITY_BUILDINGS_URL,
        )

    @property
    def phone_href(self) -> str:
        return _phone_href(self.phone)


def _is_email(text: str) -> bool:
    return "@" in text and " " not in text


def _phone_href(text: str) -> str:
    digits = text.replace(" ", "")
    return f"tel:{digits}" if digits.removeprefix("+").isdigit() else ""


def office() -> Office:
    return Office(name=office_name(), support=settings.SUPPORT_CONTACT)


def office_name(language: str = "") -> str:
    """Return what the office is called in this language; without one, in the language that is active."""
    is_english = (language or get_language() or "").startswith("en")
    return settings.OFFICE_NAME_EN if is_english else settings.OFFICE_NAME


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what base.html needs on every page."""
    return {"appearance": Appearance.of(request), "office": office()}
