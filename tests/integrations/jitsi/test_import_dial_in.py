from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from integrations.jitsi import dial_in
from integrations.jitsi.models import DialInNumber
from tests.factories import Office

HEAD = "number,shown,country,name,name_en,site,free,in_mails\n"


def test_numbers_of_the_example_office_are_read_and_read_again(office: Office) -> None:
    for _turn in range(2):
        call_command("import_dial_in", str(settings.ROOT / "demo" / "dial_in.csv"))
    assert [str(number) for number in dial_in.numbers()] == ["+48 22 555 01 80", "+48 83 555 03 80", "800 555 018"]
    [first, biala, free] = dial_in.numbers()
    assert (first.is_default, biala.site, free.is_toll_free) == (True, office.biala, True)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("number;shown\n", "the first line has to be"),
        (HEAD, "numbers have to follow"),
        (HEAD + "022555,,,,,,,\n", "Line 2: "),
        (HEAD + "+48221234567,,,,,NIC,,\n", "Line 2, site: no site has the code NIC."),
        (HEAD + "+48221234567,,,,,,tak,\n", "Line 2, free: write yes, or nothing."),
        (HEAD + "+48221234567,,,,,,,yes\n+48221234568,,,,,,,yes\n", "Line 3: "),
    ],
)
def test_what_is_wrong_is_said_by_line_and_nothing_is_kept(
    office: Office, tmp_path: Path, lines: str, problem: str
) -> None:
    file = tmp_path / "dial_in.csv"
    file.write_text(lines)
    with pytest.raises(CommandError, match=problem):
        call_command("import_dial_in", str(file))
    assert not DialInNumber.objects.exists()


def test_it_admin_enters_a_number(admin_client: Client) -> None:
    page = admin_client.get("/admin/integrations/dialinnumber/add/")
    assert page.status_code == 200
    sent = {"number": "+48221234567", "country_code": "PL", "position": "0", "is_active": "on"}
    assert admin_client.post("/admin/integrations/dialinnumber/add/", sent).status_code == 302
    assert "+48221234567" in admin_client.get("/admin/integrations/dialinnumber/").content.decode()
