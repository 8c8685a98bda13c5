"""Takes one file of a form within a bound: what is larger is read and thrown away, so that a page can say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any

from django.contrib import messages
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

_UNREADABLE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent, MultiPartParserError, UnreadablePostError)


class BoundedUpload(FileUploadHandler):
    """Keeps the file of one field in memory, and of a larger one nothing but that it was larger.

    It is written to the database whole, so it has to fit into memory anyway; nothing is left behind on a disk.
    """

    def __init__(self, request: HttpRequest, *, field: str, limit_bytes: int) -> None:
        super().__init__(request)
        self._field, self._limit_bytes = field, limit_bytes
        self._chunks: list[bytes] = []
        self._length = 0
        self._has_come = False
        self.is_too_large = False

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, *args, **kwargs)
        if field_name != self._field or self._has_come:
            raise SkipFile
        self._has_come = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._length += len(raw_data)
        if self._length > self._limit_bytes:
            self._chunks.clear()
            self.is_too_large = True
            raise SkipFile
        self._chunks.append(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        return InMemoryUploadedFile(
            BytesIO(b"".join(self._chunks)),
            self.field_name,
            self.file_name,
            self.content_type,
            file_size,
            self.charset,
            self.content_type_extra,
        )


def takes_file(field: str, *, limit_bytes: Callable[[], int]) -> Callable[..., Callable[..., HttpResponseBase]]:
    """Make a view `(request, ..., is_too_large)` into one that takes a file of so many bytes at most.

    Protected against forged requests like any other; only later, since who reads the form first decides how. A form
    that is too large without its file, or broken, leads back to where it was, with a word about it.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        protected = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method != "POST":
                return protected(request, *args, is_too_large=False, **kwargs)
            upload = BoundedUpload(request, field=field, limit_bytes=limit_bytes())
            request.upload_handlers = [upload]
            try:
                request.POST  # noqa: B018  reads the form, by the handler above
            except _UNREADABLE:
                messages.error(request, _("The form could not be read: it was too large, or broke off on its way."))
                return HttpResponseRedirect(request.get_full_path())
            return protected(request, *args, is_too_large=upload.is_too_large, **kwargs)

        return wrapped

    return decorate
