"""A visitor over real HTTP, with nothing but the standard library."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from typing import IO

from smoke.pages import Page, Pairs

TIMEOUT_SECONDS = 20


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: where a link leads is what we want to see."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        return None


class HttpVisitor:
    """Keeps cookies between pages, as one browser of one person does. `base_url` without a slash at the end."""

    def __init__(self, base_url: str, *, language: str = "pl") -> None:
        self.base_url = base_url
        self.language = language
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._following = urllib.request.build_opener(cookies)
        self._staying = urllib.request.build_opener(cookies, _Stay())

    def get(self, url: str, *, follow: bool = True) -> Page:
        return self._open(self._request(url), follow=follow)

    def post(self, url: str, pairs: Pairs) -> Page:
        request = self._request(url)
        request.data = urllib.parse.urlencode(pairs).encode()
        request.add_header("Referer", request.full_url)
        return self._open(request, follow=True)

    def _request(self, url: str) -> urllib.request.Request:
        absolute = urllib.parse.urljoin(self.base_url + "/", url)
        return urllib.request.Request(absolute, headers={"Accept-Language": self.language})

    def _open(self, request: urllib.request.Request, *, follow: bool) -> Page:
        opener = self._following if follow else self._staying
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return Page(answer.status, answer.url, answer.read().decode())
        except urllib.error.HTTPError as answer:
            text = answer.read().decode(errors="replace")
            return Page(answer.code, request.full_url, text, answer.headers.get("Location", ""))
