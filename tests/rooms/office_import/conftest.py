"""A small office in files that a test can spoil in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import translation

from rooms.models import Site
from rooms.office_import.problems import ImportRefused
from rooms.office_import.store import import_office

PEOPLE_HEADING = "email,name,unit,phone,language,role,site\n"

_FILES = {
    "sites.csv": (
        "code,name,street,postcode,city,timezone,opens,closes,days,phone\n"
        "KOS,Koszykowa 16,ul. Koszykowa 16,00-564,Warszawa,Europe/Warsaw,07:00,18:00,Mo-Fr,+48 22 555 01 00\n"
        'BIA,Ośrodek dla Cudzoziemców,ul. Dokudowska 19,21-500,Biała Podlaska,Europe/Warsaw,8:00,16:00,"Mo-We,Sa",\n'
    ),
    "rooms.csv": (
        "site,code,name,floor,seats,equipment,setup_minutes,clearing_minutes,approval,mailbox\n"
        "KOS,2.14,Sala wideo 2.14,2,12,terminal wideo;kamera dokumentowa,0,0,no,sala-kos-2-14@sale.urzad.example\n"
        'BIA,SW,"Świetlica, wideo",0,24,terminal wideo,10,15,yes,\n'
    ),
    "licences.csv": (
        "pool,counts,seats,valid_from,valid_to,site,share\n"
        "System wideokonferencji,conference,10,2019-01-01,,KOS,4\n"
        "System wideokonferencji,conference,10,2019-01-01,,BIA,2\n"
    ),
    "institutions.csv": (
        "code,name,kind,city,country,language,email,group\n"
        "MAZ,Mazowiecki Urząd Wojewódzki,urząd wojewódzki,Warszawa,PL,pl,wideo@mazowiecki.example,urzędy wojewódzkie\n"
        "MIG,Finnish Immigration Service,partner zagraniczny,Helsinki,FI,en,Video@migri.example,partnerzy\n"
    ),
}


class Folder:
    """The folder of an import."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name, text in _FILES.items():
            self.write(name, text)

    def write(self, name: str, content: str | bytes) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        (self.path / name).write_bytes(data)

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def append(self, name: str, text: str) -> None:
        self.write(name, (self.path / name).read_text() + text)

    def convert(self, name: str, encoding: str) -> None:
        self.write(name, (self.path / name).read_text().encode(encoding))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def problems_of(path: Path) -> list[str]:
    with translation.override("en"):
        with pytest.raises(ImportRefused) as refused:
            import_office(path)
        assert not Site.objects.exists()
        return [str(problem) for problem in refused.value.problems]


def replacing(name: str, old: str, new: str) -> Callable[[Folder], None]:
    return lambda folder: folder.replace(name, old, new)


def appending(name: str, text: str) -> Callable[[Folder], None]:
    return lambda folder: folder.append(name, text)


def writing(name: str, content: str | bytes) -> Callable[[Folder], None]:
    return lambda folder: folder.write(name, content)
