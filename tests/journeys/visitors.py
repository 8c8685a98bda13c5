"""A visitor inside the process: Django's test client dressed as `smoke.pages.Visitor`."""

from __future__ import annotations

from urllib.parse import urlencode, urljoin, urlsplit

from django.http import HttpResponse
from django.test import Client

from smoke.pages import Page, Pairs


class ClientVisitor:
    """One person with one browser; CSRF is checked as it is for everybody."""

    def __init__(self) -> None:
        self._client = Client(enforce_csrf_checks=True)

    def get(self, url: str, *, follow: bool = True) -> Page:
        answer = self._client.get(_path(url), follow=follow)
        return _page(answer, url)

    def post(self, url: str, pairs: Pairs) -> Page:
        body = urlencode(pairs)
        answer = self._client.post(
            _path(url), body, content_type="application/x-www-form-urlencoded", follow=True, HTTP_REFERER=url
        )
        return _page(answer, url)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _page(answer: HttpResponse, url: str) -> Page:
    chain = getattr(answer, "redirect_chain", [])
    final = urljoin(url, chain[-1][0]) if chain else url
    text = answer.content.decode() if not answer.streaming else ""
    return Page(answer.status_code, final, text, answer.headers.get("Location", ""))
