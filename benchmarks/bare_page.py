"""The least that a page of Django costs: one template, no middleware, no database. A yardstick for `http_real`.

A program of its own, which the web server loads in place of `config.wsgi`.
"""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

_LOADER = ("django.template.loaders.locmem.Loader", {"page.html": "<!doctype html><title>{{ title }}</title>"})


def show(request: HttpRequest) -> HttpResponse:
    answer = render(request, "page.html", {"title": "Narada"})
    # As the middleware of a whole site would say it: what is sent in chunks costs more.
    answer.headers["Content-Length"] = str(len(answer.content))
    return answer


urlpatterns = [path("", show)]

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY="is not used: nothing is signed",
        ALLOWED_HOSTS=["localhost", "127.0.0.1"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"loaders": [_LOADER]}}],
    )
    application = get_wsgi_application()
