"""Files as browsers send them: the smallest of each type that is taken, and those that only pretend to be one."""

from __future__ import annotations

import io
import zipfile

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(17)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(20)
TEXT = "Program: zażółć gęślą jaźń\r\n1. Zaległości\r\n".encode()
PROGRAM = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + bytes(64)

_OPENXML = "application/vnd.openxmlformats-officedocument."
MAIN = {
    "docx": f"{_OPENXML}wordprocessingml.document",
    "xlsx": f"{_OPENXML}spreadsheetml.sheet",
    "pptx": f"{_OPENXML}presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
}


def archive_of(parts: dict[str, str | bytes]) -> bytes:
    """Return a ZIP archive with these parts, in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return buffer.getvalue()


def types_part(main: str) -> str:
    """Return the part in which a document of Office says what it is."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>'
    )


def openxml(extension: str, **more: str | bytes) -> bytes:
    main = types_part(f"{MAIN[extension]}.main+xml")
    return archive_of({"[Content_Types].xml": main, "word/document.xml": "<document/>", **more})


def opendocument(extension: str, more: dict[str, str | bytes] | None = None) -> bytes:
    return archive_of({"mimetype": MAIN[extension], "content.xml": "<document/>", **(more or {})})


def document(extension: str) -> bytes:
    return opendocument(extension) if extension.startswith("od") else openxml(extension)


#: One of each type that is taken, by its extension.
TAKEN: dict[str, bytes] = {
    "pdf": PDF,
    "png": PNG,
    "jpg": JPEG,
    "jpeg": JPEG,
    "txt": TEXT,
    "csv": b"nazwa;liczba\r\nsala;2\r\n",
    **{extension: document(extension) for extension in MAIN},
}
