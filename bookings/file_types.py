"""Which files are taken: the few types that offices exchange, known by their name and by their bytes.

Knows neither Django nor the database. Bytes are a stranger's: they are looked at within bounds; nothing of them is run.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from enum import StrEnum

MAX_NAME_LENGTH = 200
#: Of the table of contents of a document, in bytes: some 10,000 parts.
_MAX_DIRECTORY = 1_048_576
#: Of the part in which a document says what it is, unpacked.
_MAX_TYPES_PART = 1_048_576

_OPENXML = "application/vnd.openxmlformats-officedocument."
_OPENDOCUMENT = "application/vnd.oasis.opendocument."


class Fault(StrEnum):
    """Why a file is not taken."""

    NO_NAME = "no_name"
    #: Of a type that is not taken, by its name.
    TYPE = "type"
    #: The bytes are not what the name says.
    CONTENT = "content"
    MACROS = "macros"
    EMPTY = "empty"


class NotTaken(Exception):
    """The file is not taken. `extension`: of its name, in small letters, where there is one."""

    def __init__(self, fault: Fault, extension: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.extension = extension


def clean_name(name: str) -> str:
    """Return the name as it is shown and saved: without a folder, on one line, MAX_NAME_LENGTH letters at most.

    What some system gives a meaning to becomes `_`; what nobody sees, such as marks that turn the direction of
    writing and make „exe.pdf” of „fdp.exe”, is left out. Raises: NotTaken (NO_NAME) where nothing is left of it.
    """
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C" or letter in "\t\n")
    name = re.sub(r'[<>:"|?*]', "_", " ".join(unicodedata.normalize("NFC", name).split()))
    stem, dot, extension = name.strip(" .").rpartition(".")
    stem = stem.strip(" .")
    if not dot:
        stem, extension = extension, ""
    if not stem or (dot and not extension.strip()):
        raise NotTaken(Fault.NO_NAME)
    tail = f".{extension.strip()}" if dot else ""
    # An extension that long is none that is taken; what is shown of it has to fit all the same.
    return (stem[: max(1, MAX_NAME_LENGTH - len(tail))].rstrip(" .") + tail)[:MAX_NAME_LENGTH].rstrip()


def media_type(name: str, data: bytes) -> str:
    """Return the media type of a file by its cleaned name, once its bytes have agreed. Raises: NotTaken."""
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension not in _TYPES:
        raise NotTaken(Fault.TYPE, extension)
    if not data:
        raise NotTaken(Fault.EMPTY, extension)
    found, is_it = _TYPES[extension]
    if not is_it(data, found):
        raise NotTaken(Fault.CONTENT, extension)
    return found


def _is_pdf(data: bytes, _found: str) -> bool:
    return data.startswith(b"%PDF-")


def _is_png(data: bytes, _found: str) -> bool:
    return data.startswith(b"\x89PNG\r\n\x1a\n")


def _is_jpeg(data: bytes, _found: str) -> bool:
    return data.startswith(b"\xff\xd8\xff")


def _is_text(data: bytes, _found: str) -> bool:
    """Say whether these are words: in UTF-8 or UTF-16, or in the old Windows letters, in which any byte is one."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return not re.search(r"[\0-\x08\x0e-\x1f]", data.decode("utf-16"))
        except UnicodeDecodeError:
            return False
    # No text has these without a byte order mark; programs and pictures do within their first hundred bytes.
    return not _is_pdf(data, _found) and not re.search(rb"[\0-\x08\x0e-\x1f\x7f]", data)


def _is_openxml(data: bytes, found: str) -> bool:
    """Say whether this is a document of Word, Excel or PowerPoint of that type (ECMA-376 part 2)."""
    with _opened(data) as archive:
        names = {info.filename.lower(): info for info in archive.infolist()}
        info = names.get("[content_types].xml")
        if info is None:
            return False
        types = _read(archive, info).lower()
        if b"macroenabled" in types or b"macrosheet" in types or any(_runs(name) for name in names):
            raise NotTaken(Fault.MACROS)
        return f'"{found}.main+xml"'.encode() in types.replace(b"'", b'"')


def _runs(name: str) -> bool:
    """Say whether a part of a document of Office holds something that runs."""
    return bool(re.search(r"vbaproject|vbadata|/macrosheets/|/activex/", name))


def _is_opendocument(data: bytes, found: str) -> bool:
    """Say whether this is a document of LibreOffice of that type (ODF 1.3 part 2, 3.3)."""
    with _opened(data) as archive:
        names = {info.filename: info for info in archive.infolist()}
        info = names.get("mimetype")
        if info is None or _read(archive, info).strip() != found.encode():
            return False
        if any(name.lower().startswith(("basic/", "scripts/")) for name in names):
            raise NotTaken(Fault.MACROS)
        return True


def _opened(data: bytes) -> zipfile.ZipFile:
    """Open a document that is a ZIP archive. Raises: _Broken."""
    # The record at the end says how long the table of contents is, which is read whole; archives beyond 4 GB have
    # another record before it, and no document that fits in here has need of it.
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if not data.startswith(b"PK\x03\x04") or end < 0 or data[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise _Broken
    if int.from_bytes(data[end + 12 : end + 16], "little") > _MAX_DIRECTORY:
        raise _Broken
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _UNREADABLE:
        raise _Broken


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return the unpacked part, as far as a part of this kind may be long. Raises: _Broken."""
    try:
        with archive.open(info) as part:
            return part.read(_MAX_TYPES_PART)
    except _UNREADABLE:
        raise _Broken


class _Broken(Exception):
    """These bytes are no archive that can be read."""


#: What Python's module says of archives that somebody has broken, by accident or on purpose.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    IndexError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def _document(look: Callable[[bytes, str], bool]) -> Callable[[bytes, str], bool]:
    def is_it(data: bytes, found: str) -> bool:
        try:
            return look(data, found)
        except _Broken:
            return False

    return is_it


_office, _open = _document(_is_openxml), _document(_is_opendocument)
_TYPES: dict[str, tuple[str, Callable[[bytes, str], bool]]] = {
    "pdf": ("application/pdf", _is_pdf),
    "docx": (f"{_OPENXML}wordprocessingml.document", _office),
    "xlsx": (f"{_OPENXML}spreadsheetml.sheet", _office),
    "pptx": (f"{_OPENXML}presentationml.presentation", _office),
    "odt": (f"{_OPENDOCUMENT}text", _open),
    "ods": (f"{_OPENDOCUMENT}spreadsheet", _open),
    "odp": (f"{_OPENDOCUMENT}presentation", _open),
    "png": ("image/png", _is_png),
    "jpg": ("image/jpeg", _is_jpeg),
    "jpeg": ("image/jpeg", _is_jpeg),
    "txt": ("text/plain", _is_text),
    "csv": ("text/csv", _is_text),
}
#: The extensions that are taken, in the order in which people are told.
EXTENSIONS = tuple(_TYPES)
