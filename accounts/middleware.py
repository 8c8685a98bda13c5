"""Puts the pages of a signed-in user into that user's language, on whatever machine they sign in."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation


def user_language(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Stands after AuthenticationMiddleware; LocaleMiddleware has chosen by cookie and browser before."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language
        return get_response(request)

    return middleware
