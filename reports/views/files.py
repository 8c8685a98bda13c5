"""Sends tables as files: one as CSV, several as a workbook."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from django.http import HttpResponse

from reports.tables import Sheet, write_csv, write_xlsx

_CSV = "text/csv; charset=utf-8"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_file(sheet: Sheet, name: str) -> HttpResponse:
    return _file(write_csv(sheet), _CSV, name)


def xlsx_file(sheets: Iterable[Sheet], name: str) -> HttpResponse:
    return _file(write_xlsx(sheets), _XLSX, name)


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": disposition})
