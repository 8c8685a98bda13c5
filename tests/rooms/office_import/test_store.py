"""What an import writes: everything once, differences only, and nothing in a dry run."""

from __future__ import annotations

from datetime import date, time, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Contact, ContactGroup, Institution, User
from accounts.upsert import Tally
from rooms.models import Equipment, LicenceGrant, LicencePool, OpeningHours, Room, Site, SiteRole, SiteShare
from rooms.office_import.problems import ImportRefused
from rooms.office_import.store import Summary, import_office
from tests.rooms.office_import.conftest import Folder, problems_of

pytestmark = pytest.mark.django_db

_DEMO = Path(__file__).parents[3] / "demo"
_PEOPLE = "email,name,unit,phone,language,role,site\n"


def _summary(**tallies: Tally) -> Summary:
    kinds = ("equipment", "sites", "rooms", "pools", "institutions", "contacts", "groups", "people")
    return Summary(**{kind: tallies.get(kind, Tally()) for kind in kinds})


def _counts() -> list[int]:
    models = (Equipment, Site, OpeningHours, Room, LicencePool, LicenceGrant, SiteShare, SiteRole)
    return [model.objects.count() for model in (*models, Institution, Contact, ContactGroup, User)]


def test_import_stores_the_office_as_written(folder: Folder) -> None:
    import_office(folder.path)
    bia = Site.objects.get(code="BIA")
    assert [(site.code, site.short_name, site.position) for site in Site.objects.order_by("position")] == [
        ("KOS", "Koszykowa", 1),
        ("BIA", "Biała Podlaska", 2),
    ]
    assert sorted(bia.opening_hours.values_list("weekday", "opens", "closes")) == [
        (weekday, time(8), time(16)) for weekday in (0, 1, 2, 5)
    ]
    lounge = Room.objects.get(site=bia)
    assert (lounge.name, lounge.seats, lounge.setup, lounge.clearing, lounge.needs_approval, lounge.mailbox) == (
        "Świetlica, wideo",
        24,
        timedelta(minutes=10),
        timedelta(minutes=15),
        True,
        "",
    )
    assert sorted(Room.objects.get(code="2.14").equipment.values_list("code", "name")) == [
        ("kamera-dokumentowa", "kamera dokumentowa"),
        ("terminal-wideo", "terminal wideo"),
    ]
    pool = LicencePool.objects.get()
    assert (pool.name, pool.counts, pool.is_default) == ("System wideokonferencji", "conference", True)
    assert list(pool.grants.values_list("seats", "valid_from", "valid_to")) == [(10, date(2019, 1, 1), None)]
    assert sorted(pool.shares.values_list("site__code", "seats")) == [("BIA", 2), ("KOS", 4)]
    migri = Contact.objects.get(institution__code="MIG")
    assert (migri.email, migri.language, migri.time_zone) == ("video@migri.example", "en", "Europe/Helsinki")
    assert list(migri.groups.values_list("name", flat=True)) == ["partnerzy"]


def test_second_import_changes_nothing(folder: Folder) -> None:
    first = import_office(folder.path)
    before = _counts()
    second = import_office(folder.path)
    assert first == _summary(
        equipment=Tally(created=2),
        sites=Tally(created=2),
        rooms=Tally(created=2),
        pools=Tally(created=1),
        institutions=Tally(created=2),
        contacts=Tally(created=2),
        groups=Tally(created=2),
    )
    assert second == _summary(
        sites=Tally(unchanged=2),
        rooms=Tally(unchanged=2),
        pools=Tally(unchanged=1),
        institutions=Tally(unchanged=2),
        contacts=Tally(unchanged=2),
        groups=Tally(unchanged=2),
    )
    assert _counts() == before


def test_demo_office_is_whole_and_idempotent() -> None:
    first, second = import_office(_DEMO), import_office(_DEMO)
    assert (first.sites, first.rooms, first.institutions) == (Tally(3), Tally(12), Tally(19))
    assert second.people == Tally(unchanged=first.people.created)
    assert second.equipment == Tally(unchanged=first.equipment.created)
    assert ContactGroup.objects.get(name="urzędy wojewódzkie").contacts.count() == 16
    pool = LicencePool.objects.get()
    assert (pool.grants.get().seats, sum(pool.shares.values_list("seats", flat=True))) == (10, 9)
    icons = (Path(_DEMO).parent / "static" / "icons.svg").read_text()
    assert all(f'id="i-{icon}"' in icons for icon in Equipment.objects.exclude(icon="").values_list("icon", flat=True))


def test_dry_run_reports_the_same_and_writes_nothing(folder: Folder) -> None:
    before = _counts()
    assert import_office(folder.path, dry_run=True) == import_office(folder.path, dry_run=True)
    assert _counts() == before
    assert import_office(folder.path, dry_run=True) == import_office(folder.path)


def test_differences_are_changed_and_counted_by_kind(folder: Folder) -> None:
    import_office(folder.path)
    folder.replace("sites.csv", "07:00,18:00,Mo-Fr", "07:00,19:00,Mo-Fr")
    folder.replace("rooms.csv", "terminal wideo;kamera dokumentowa", "terminal wideo;mikrofony")
    folder.replace("licences.csv", ",,KOS,4", ",,KOS,5")
    folder.replace("institutions.csv", "Video@migri.example", "conference@migri.example")
    assert import_office(folder.path) == _summary(
        equipment=Tally(created=1),
        sites=Tally(changed=1, unchanged=1),
        rooms=Tally(changed=1, unchanged=1),
        pools=Tally(changed=1),
        institutions=Tally(unchanged=2),
        contacts=Tally(changed=1, unchanged=1),
        groups=Tally(unchanged=2),
    )
    assert set(OpeningHours.objects.filter(site__code="KOS").values_list("closes", flat=True)) == {time(19)}
    assert set(Room.objects.get(code="2.14").equipment.values_list("name", flat=True)) == {
        "terminal wideo",
        "mikrofony",
    }
    assert Contact.objects.get(institution__code="MIG").email == "conference@migri.example"


def test_rows_that_left_the_files_and_work_done_by_hand_stay(folder: Folder) -> None:
    import_office(folder.path)
    Site.objects.filter(code="KOS").update(short_name="Centrala", position=7)
    Room.objects.filter(code="2.14").update(is_active=False)
    folder.replace("rooms.csv", 'BIA,SW,"Świetlica, wideo",0,24,terminal wideo,10,15,yes,\n', "")
    folder.replace("institutions.csv", "partnerzy\n", "\n")
    summary = import_office(folder.path)
    assert summary.rooms == Tally(unchanged=1)
    assert Room.objects.filter(code="SW").exists()
    assert ContactGroup.objects.get(name="partnerzy").contacts.count() == 1
    assert Site.objects.filter(code="KOS", short_name="Centrala", position=7).exists()
    assert not Room.objects.get(code="2.14").is_active


def test_people_get_their_roles_and_no_password(folder: Folder) -> None:
    folder.write(
        "people.csv",
        _PEOPLE
        + "Anna.Wrzesinska@urzad.example,Anna Wrzesińska,,,pl,staff,KOS;BIA\n"
        + "piotr@urzad.example,Piotr Zieliński,,,en,manager,KOS\n"
        + "ewa@urzad.example,Ewa Łukasik,,,pl,it_admin,\n",
    )
    assert import_office(folder.path).people == Tally(created=3)
    anna = User.objects.get(email="anna.wrzesinska@urzad.example")
    assert sorted(anna.site_roles.values_list("site__code", "role")) == [("BIA", "staff"), ("KOS", "staff")]
    assert not anna.has_usable_password()
    assert list(User.objects.filter(is_it_admin=True).values_list("email", flat=True)) == ["ewa@urzad.example"]


def test_new_role_replaces_the_old_one_and_password_stays(folder: Folder) -> None:
    folder.write("people.csv", _PEOPLE + "anna@urzad.example,Anna,,,pl,staff,KOS\n")
    import_office(folder.path)
    anna = User.objects.get()
    anna.set_password("kwiaty-na-parapecie-2026")
    anna.save()
    folder.write("people.csv", _PEOPLE + "anna@urzad.example,Anna,,,pl,manager,BIA\n")
    assert import_office(folder.path).people == Tally(changed=1)
    anna.refresh_from_db()
    assert list(anna.site_roles.values_list("site__code", "role")) == [("BIA", "manager")]
    assert anna.check_password("kwiaty-na-parapecie-2026")


def test_failure_while_storing_takes_everything_back(folder: Folder) -> None:
    import_office(folder.path)
    SiteShare.objects.create(
        pool=LicencePool.objects.get(),
        site=Site.objects.get(code="KOS"),
        seats=4,
        valid_from=date(2027, 1, 1),
        valid_to=date(2027, 12, 31),
    )
    folder.replace("licences.csv", ",10,2019-01-01", ",9,2019-01-01")
    folder.replace("sites.csv", "Koszykowa 16,ul.", "Koszykowa 18,ul.")
    with pytest.raises(ImportRefused) as refused:
        import_office(folder.path)
    assert [str(problem) for problem in refused.value.problems] == [
        "licences.csv: System wideokonferencji, piątek, 1 stycznia 2027: udziały lokalizacji wynoszą razem 10, "
        "a przyznano 9. Zwiększ liczbę licencji albo zmniejsz udział."
    ]
    assert Site.objects.filter(name="Koszykowa 16").exists()
    assert LicenceGrant.objects.get().seats == 10


def test_grant_and_shares_may_shrink_together(folder: Folder) -> None:
    import_office(folder.path)
    folder.replace("licences.csv", ",10,2019-01-01", ",3,2019-01-01")
    folder.replace("licences.csv", ",,KOS,4", ",,KOS,1")
    assert import_office(folder.path).pools == Tally(changed=1)
    assert (LicenceGrant.objects.get().seats, sorted(SiteShare.objects.values_list("seats", flat=True))) == (3, [1, 2])


def test_number_of_queries_does_not_grow_with_the_rows(folder: Folder) -> None:
    def run() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            import_office(folder.path)
        return len(queries)

    few = run()
    for number in range(30):
        folder.append("rooms.csv", f"KOS,{number},Sala {number},2,12,terminal wideo,0,0,no,\n")
        folder.append("institutions.csv", f"X{number},Urząd {number},,,PL,pl,x{number}@urzad.example,powiaty\n")
    assert run() <= few


def test_command_prints_what_it_did(folder: Folder) -> None:
    out = StringIO()
    call_command("import_office", str(folder.path), dry_run=True, stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["utworzono", "zmieniono", "bez", "zmian"]
    assert lines[3].split() == ["sale", "2", "0", "0"]
    assert lines[-2:] == ["To była próba: nic nie zapisano.", "To, czego nie ma w plikach, zostało bez zmian."]
    assert not Room.objects.exists()


def test_command_lists_every_problem_and_fails(folder: Folder) -> None:
    folder.replace("rooms.csv", "2,12", "2,dużo")
    folder.replace("sites.csv", "Mo-Fr", "Fr-Mo")
    with pytest.raises(CommandError) as error:
        call_command("import_office", str(folder.path))
    lines = str(error.value).splitlines()
    assert lines[0] == "Nic nie zaimportowano: do poprawy są 2 rzeczy."
    assert [line.split(":")[0] for line in lines[1:]] == [
        "  sites.csv, wiersz 2, kolumna days",
        "  rooms.csv, wiersz 2, kolumna seats",
    ]
    assert error.value.returncode == 1


def test_room_says_which_pool_its_sessions_need_or_that_they_need_none(folder: Folder) -> None:
    folder.append("licences.csv", "Drugi system,room,2,2019-01-01,,,\n")
    folder.write(
        "rooms.csv",
        "site,code,name,floor,seats,equipment,setup_minutes,clearing_minutes,approval,mailbox,licence\n"
        "KOS,1,Sala 1,0,4,,0,0,no,,Drugi system\n"
        "KOS,2,Sala 2,0,4,,0,0,no,,no\n"
        "KOS,3,Sala 3,0,4,,0,0,no,,System wideokonferencji\n"
        "KOS,4,Sala 4,0,4,,0,0,no,,\n",
    )
    for _run in range(2):
        import_office(folder.path)
        rows = Room.objects.order_by("code").values_list("code", "needs_licence", "licence_pool__name")
        assert list(rows) == [("1", True, "Drugi system"), ("2", False, None), ("3", True, None), ("4", True, None)]


def test_room_of_a_pool_that_nobody_has_is_refused_by_line(folder: Folder) -> None:
    folder.write(
        "rooms.csv",
        "site,code,name,floor,seats,equipment,setup_minutes,clearing_minutes,approval,mailbox,licence\n"
        "KOS,1,Sala 1,0,4,,0,0,no,,Trzeci system\n",
    )
    [problem] = problems_of(folder.path)
    assert "rooms.csv" in problem
    assert "Trzeci system" in problem
    assert "System wideokonferencji" in problem
