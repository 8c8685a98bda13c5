"""Pages that change the terms of a pool: who gets in, what they say, and the way through sessions that are hit."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bookings import services
from bookings.models import Booking, LicenceHold, Occurrence
from notifications.models import Message
from reports.licence_forms import KINDS
from reports.views.licence_terms_part import terms_part
from reports.views.licence_words import Places
from rooms.licence_lending import AssignNamed, Lend
from rooms.licence_services import AddGrant, SetEmergency, SetShares, carry_out
from rooms.models import EmergencySeats, LicenceGrant, LicenceLoan, NamedLicence, SiteShare, SiteTerms
from rooms.permissions import SiteRoles
from rooms.queries import sites
from tests.bookings.requests import ask
from tests.factories import Office

#: Pages ask the clock, so days are counted from now on, at an hour at which every zone agrees on the day.
NOW = timezone.now().replace(hour=10, minute=0, second=0, microsecond=0)
TODAY = NOW.date()
TOMORROW = TODAY + timedelta(days=1)
#: A Tuesday, two weeks ahead or a little more.
DAY = TODAY + timedelta(days=14 + (1 - TODAY.weekday()) % 7)


@pytest.fixture(autouse=True)
def at_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def english(office: Office) -> None:
    for user in (office.it_admin, office.manager):
        user.language = "en"
        user.save()


def url(kind: str, pk: int | None = None) -> str:
    return reverse("licence_change", args=[kind]) if pk is None else reverse("licence_change_row", args=[kind, pk])


def html(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def allocation(office: Office, **changed: Any) -> dict[str, Any]:
    """Return the form as the page has it, with shares of Koszykowa and so on changed: kos=1."""
    data: dict[str, Any] = {"from_on": f"{TOMORROW:%d.%m.%Y}"}
    for name, site, seats in (("kos", office.koszykowa, 4), ("tab", office.taborowa, 3), ("bia", office.biala, 2)):
        data |= {f"share-{site.pk}": changed.pop(name, seats), f"short-{site.pk}": "reserve", f"lend-{site.pk}": "2"}
    return {**data, **changed}


def typed_in(shown: str) -> dict[str, Any]:
    """Return what the browser would send of the page's own form, radios aside."""
    data: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", shown[shown.index('<form method="post" class="stack') :]):
        fields = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if fields.get("type") != "radio" and "name" in fields:
            data.setdefault(fields["name"], []).append(fields.get("value", ""))
    for name, body in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', shown):
        data[name] = re.search(r'value="([^"]*)" selected', body)[1]
    return data


def book(office: Office, code: str, title: str, **fields: Any) -> Booking:
    start = datetime(DAY.year, DAY.month, DAY.day, 10)
    by = fields.pop("by", office.staff)
    return services.book(ask(by, office.room(code), start=start, title=title, **fields), by=by, now=NOW)


@pytest.mark.parametrize("who", ["manager", "staff", "newcomer"])
def test_only_it_admins_open_what_is_no_loan(office: Office, who: str) -> None:
    carry_out([AssignNamed(office.pool, office.staff, None, None, TOMORROW)], by=office.it_admin, now=NOW)
    client = Client()
    client.force_login(getattr(office, who))
    grant, named = LicenceGrant.objects.get(), NamedLicence.objects.get()
    pages = [url(kind) for kind in ("przydzial", "zakup", "awaryjne", "imienna")]
    pages += [url("liczba", grant.pk), url("koniec", grant.pk), url("oddanie", named.pk)]
    for page in pages:
        assert client.get(page).status_code == 404
        assert client.post(page, {"seats": 1}).status_code == 404


def test_managers_lend_and_end_loans_of_their_own_sites_only(
    office: Office, manager_client: Client, staff_client: Client, english: None
) -> None:
    page = url("pozyczka")
    assert staff_client.get(page).status_code == 404
    shown = html(manager_client.get(page))
    lenders = shown[shown.index('name="lender"') : shown.index('name="borrower"')]
    assert "Koszykowa 16" in lenders
    assert "Taborowa 33" not in lenders
    data = {"lender": office.taborowa.pk, "borrower": office.biala.pk, "seats": 1}
    data |= {"valid_from": "tomorrow", "valid_to": f"{DAY:%d.%m.%Y}"}
    assert manager_client.post(page, data).status_code == 422
    assert manager_client.post(page, {**data, "lender": office.koszykowa.pk}).status_code == 302
    loan = LicenceLoan.objects.get()
    assert (loan.lender, loan.seats, loan.valid_from, loan.valid_to) == (office.koszykowa, 1, TOMORROW, DAY)
    carry_out([Lend(office.pool, office.taborowa, office.biala, 1, TOMORROW, DAY)], by=office.it_admin, now=NOW)
    other = LicenceLoan.objects.get(lender=office.taborowa)
    assert manager_client.get(url("zwrot", other.pk)).status_code == 404
    assert manager_client.post(url("zwrot", other.pk), {"last_day": "today"}).status_code == 404
    assert manager_client.post(url("zwrot", loan.pk), {"last_day": "today"}).status_code == 302
    assert LicenceLoan.objects.get() == other


@pytest.mark.parametrize("page", ["nic", "zwrot", "liczba"])
def test_what_is_not_there_is_not_found(office: Office, admin_client: Client, page: str) -> None:
    assert admin_client.get(url(page)).status_code == 404
    assert admin_client.get(url(page, 999)).status_code == 404
    assert admin_client.get(url("przydzial") + "?pula=999").status_code == 404
    assert admin_client.get(url("przydzial", office.pool.pk)).status_code == 404


def test_allocation_is_saved_at_once_where_nobody_is_hit(office: Office, admin_client: Client) -> None:
    data = allocation(office, kos=3, **{f"short-{office.biala.pk}": "other_time", f"lend-{office.biala.pk}": "0"})
    response = admin_client.post(url("przydzial"), data)
    assert response.status_code == 302
    assert response.url.startswith(reverse("licence_desk"))
    share = SiteShare.objects.get(site=office.koszykowa, valid_from=TOMORROW)
    assert share.seats == 3
    assert list(SiteTerms.objects.values_list("site", "when_short", "lend_days")) == [
        (office.biala.pk, "other_time", 0)
    ]
    assert SiteShare.objects.filter(site=office.taborowa).count() == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"kos": "-1"}, "Write a whole number of licences: 0 or more."),
        ({"kos": "1,5"}, "Write a whole number of licences, for example 4."),
        ({"kos": "1.5"}, "Write a whole number of licences, for example 4."),
        ({"kos": "cztery"}, "Write a whole number of licences, for example 4."),
        ({"kos": ""}, "Say how many licences."),
        ({"kos": "99999"}, "Write a whole number of licences: 10000 at most."),
        ({"kos": "6"}, "the sites&#x27; shares add up to 11, and 10 are granted."),
        ({"from_on": "1.01.2020"}, "Wednesday, 1 January 2020 is over."),
        ({"from_on": "kiedyś"}, "“kiedyś” is not a day."),
    ],
)
def test_bad_allocation_is_refused_and_nothing_typed_is_lost(
    office: Office, admin_client: Client, english: None, changed: dict[str, str], words: str
) -> None:
    response = admin_client.post(url("przydzial"), allocation(office, **changed))
    assert response.status_code == 422
    shown = html(response)
    assert words in shown
    for value in changed.values():
        assert f'value="{value}"' in shown
    assert SiteShare.objects.count() == 3


def test_a_summary_of_errors_names_the_fields_as_the_page_has_them(
    office: Office, admin_client: Client, english: None
) -> None:
    response = admin_client.post(url("przydzial"), allocation(office, kos="x", from_on="x"))
    links = re.findall(r'<li><a href="#id_([a-z_]+)', response.content.decode())
    assert links == ["share", "from_on"]


def test_bar_names_the_reserve_and_the_tag_says_by_how_much_it_is_too_much(
    office: Office, admin_client: Client, english: None
) -> None:
    def parts(shown: str) -> list[str]:
        return re.findall(r"data-label>([^<]*) </tspan><tspan data-seats>([^<]*)</tspan>", shown)

    whole = html(admin_client.get(url("przydzial")))
    assert parts(whole) == [
        ("Koszykowa", "4"), ("Taborowa", "3"), ("Biała Podlaska", "2"), ("Reserve", "1"), ("", ""), ("", ""),
    ]  # fmt: skip
    assert "</svg>shared out 9 of 10</span>" in whole
    refused = admin_client.post(url("przydzial"), allocation(office, kos="9"))
    assert refused.status_code == 422
    state = html(refused).partition("data-allocation-state>")[2].partition("</p>")[0]
    assert state.endswith("</svg>4 too many, of 10</span>")


def test_sessions_without_a_licence_are_shown_then_moved_kept_and_told(
    office: Office, admin_client: Client, english: None
) -> None:
    first, second, third, fourth = (
        book(office, code, f"Sesja {code}", by=office.manager)
        for code in ("KOS/2.14", "KOS/2.16", "KOS/0.07", "KOS/3.01")
    )
    Message.objects.all().delete()
    data = allocation(office, kos=1, tab=7)
    response = admin_client.post(url("przydzial"), data)
    assert response.status_code == 422
    shown = html(response)
    assert "3 sessions would have no licence" in shown
    assert first.title not in shown
    assert office.manager.name in shown
    assert SiteShare.objects.count() == 3
    hits = [Occurrence.objects.get(booking=item).pk for item in (second, third, fourth)]
    targets = {pk: re.search(rf'name="target-{pk}" value="([^"]*)"', shown)[1] for pk in hits}
    assert all(targets.values())
    choices = dict(zip(hits, ("move", "keep", "notify"), strict=True))
    assert len(set(targets.values())) == 3, "the one seat of an hour is proposed once"
    data = typed_in(shown) | {f"decision-{pk}": choice for pk, choice in choices.items()}
    response = admin_client.post(url("przydzial"), data, follow=True)
    assert "1 session was moved. 1 session keeps its licence. 1 organiser is told." in html(response)
    moved = Occurrence.objects.get(booking=second)
    assert f"{moved.local_start}/{moved.local_end}" == targets[hits[0]]
    kept = LicenceHold.objects.filter(kept=True, live=True).order_by("pk").values_list("occurrence__booking", flat=True)
    assert list(kept) == [third.pk, fourth.pk]
    assert list(Message.objects.filter(kind="notice").values_list("user", flat=True)) == [office.manager.pk]


def test_other_sessions_by_now_are_shown_once_more(office: Office, admin_client: Client, english: None) -> None:
    for code in ("KOS/2.14", "KOS/2.16"):
        book(office, code, code)
    data = allocation(office, kos=1, tab=7)
    shown = html(admin_client.post(url("przydzial"), data))
    assert "Other sessions would have no licence by now" not in shown
    seen = re.findall(r'name="seen" value="(\d+)"', shown)
    book(office, "KOS/0.07", "szybsza")
    response = admin_client.post(url("przydzial"), {**data, "seen": seen, f"decision-{seen[0]}": "notify"})
    again = html(response)
    assert response.status_code == 422
    assert "Other sessions would have no licence by now" in again
    assert len(re.findall(r'name="seen"', again)) == 2
    assert re.search(rf'name="decision-{seen[0]}" value="notify" checked', again), "what was chosen is still chosen"
    assert SiteShare.objects.count() == 3


def test_manager_learns_only_that_there_is_a_session_of_another_site(
    office: Office, manager_client: Client, admin_client: Client, english: None
) -> None:
    book(office, "KOS/2.14", "Nasza", by=office.manager)
    hidden = book(office, "BIA/5", "Tajemnica", by=office.colleague)
    # Two of its own share and the reserve, which is Koszykowa's once it has lent its share: that booked first.
    LicenceHold.objects.filter(occurrence__booking=hidden).update(seats=3)
    data = {"lender": office.koszykowa.pk, "borrower": office.taborowa.pk, "seats": 4, "valid_from": "tomorrow"}
    data |= {"valid_to": f"{DAY:%d.%m.%Y}"}
    shown = html(manager_client.post(url("pozyczka"), data))
    assert "1 session would have no licence" in shown
    assert "a session of another site" in shown
    assert "Tajemnica" not in shown
    assert office.colleague.name not in shown
    assert 'value="move"' not in shown
    assert "Tajemnica" in html(admin_client.post(url("pozyczka"), data))


def test_number_sent_as_it_was_changes_nothing_and_says_so(office: Office, admin_client: Client, english: None) -> None:
    grant = LicenceGrant.objects.get()
    page = url("liczba", grant.pk)
    shown = admin_client.post(page, typed_in(html(admin_client.get(page))))
    assert shown.status_code == 422
    assert "Nothing has changed: it is 10 licences already." in html(shown)
    assert LicenceGrant.objects.get() == grant


def test_last_day_proposed_is_none_before_the_first(office: Office, admin_client: Client) -> None:
    carry_out([AddGrant(office.pool, 2, DAY)], by=office.it_admin, now=NOW)
    carry_out([AssignNamed(office.pool, office.staff, None, None, DAY)], by=office.it_admin, now=NOW)
    carry_out([Lend(office.pool, office.koszykowa, office.biala, 1, DAY, DAY)], by=office.it_admin, now=NOW)
    old, new = LicenceGrant.objects.order_by("valid_from")
    proposed = {
        page: typed_in(html(admin_client.get(page)))["last_day"]
        for page in (
            url("koniec", old.pk),
            url("koniec", new.pk),
            url("oddanie", NamedLicence.objects.get().pk),
            url("zwrot", LicenceLoan.objects.get().pk),
        )
    }
    today, first = ([f"{day.day}.{day.month:02d}.{day.year}"] for day in (TODAY, DAY))
    assert list(proposed.values()) == [today, first, first, first]


def test_grants_emergency_and_named_licences_are_entered(office: Office, admin_client: Client) -> None:
    day = f"{DAY:%d.%m.%Y}"
    assert admin_client.post(url("zakup"), {"seats": 2, "valid_from": day, "valid_to": ""}).status_code == 302
    added = LicenceGrant.objects.get(valid_from=DAY)
    assert admin_client.post(url("liczba", added.pk), {"seats": 3, "from_on": day}).status_code == 302
    assert admin_client.post(url("koniec", added.pk), {"last_day": day}).status_code == 302
    added.refresh_from_db()
    assert (added.seats, added.valid_to) == (3, DAY)
    assert admin_client.post(url("awaryjne"), {"seats": 1, "from_on": "jutro"}).status_code == 302
    assert EmergencySeats.objects.get().valid_from == TOMORROW
    data = {"owner": office.staff.pk, "room": "", "site": office.koszykowa.pk, "valid_from": "jutro", "valid_to": ""}
    assert admin_client.post(url("imienna"), data).status_code == 302
    named = NamedLicence.objects.get()
    assert (named.user, named.site) == (office.staff, office.koszykowa)
    assert admin_client.post(url("oddanie", named.pk), {"last_day": day}).status_code == 302
    named.refresh_from_db()
    assert named.valid_to == DAY


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("zakup", {"seats": 0, "valid_from": "tomorrow"}, "Write a whole number of licences: 1 or more."),
        ("zakup", {"seats": 2, "valid_from": "1.01.2019", "valid_to": "1.01.2020"}, "1 January 2020 is over."),
        ("zakup", {"seats": 2, "valid_from": "31.02.2027"}, "There is no 31.02.2027 in the calendar."),
        ("awaryjne", {"seats": 2, "from_on": "tomorrow"}, "shares add up to 9, and 8 are granted"),
        ("imienna", {"valid_from": "tomorrow"}, "Choose a person or a room, one of the two."),
    ],
)
def test_bad_terms_are_refused_beside_their_fields(
    office: Office, admin_client: Client, english: None, kind: str, data: dict[str, Any], words: str
) -> None:
    response = admin_client.post(url(kind), data)
    assert response.status_code == 422
    assert words in html(response)
    assert "data-focus-first" in html(response)


@pytest.mark.parametrize("who", ["it_admin", "manager"])
def test_what_the_desk_shows_of_the_terms(office: Office, who: str) -> None:
    ago = date(2020, 1, 1)
    NamedLicence.objects.create(pool=office.pool, user=office.staff, site=office.koszykowa, valid_from=ago)
    carry_out(
        [
            AddGrant(office.pool, 2, TODAY, TODAY + timedelta(days=30)),
            SetEmergency(office.pool, 1, TOMORROW),
            Lend(office.pool, office.taborowa, office.biala, 1, TOMORROW, DAY),
            Lend(office.pool, office.biala, office.koszykowa, 1, TOMORROW, DAY),
        ],
        by=office.it_admin,
        now=NOW,
    )
    part = terms_part(
        office.pool,
        SiteRoles.of(getattr(office, who)),
        places=Places.of(sites()),
        now=NOW,
        peaks={},
        refusals={office.koszykowa.pk: 2},
    )
    if who == "manager":
        assert (part.allocation, part.grants, part.emergency, part.named) == (None, None, None, None)
        (loan,) = part.loans
        assert "Koszykowa" in loan.name
        assert loan.acts == (), "it is Biała Podlaska's to end"
        return
    assert part.allocation is not None
    assert (part.allocation.owned, part.allocation.shared, part.allocation.reserve) == (12, 9, 2)
    assert [row.refusals for row in part.allocation.rows] == [2, 0, 0]
    assert [len(rows or ()) for rows in (part.loans, part.grants, part.emergency, part.named)] == [2, 2, 1, 1]
    assert [row.tag for row in part.grants or ()] == ["ok", "warn"]
    (hint,) = part.hints
    assert office.staff.name in hint.hint


def test_parts_of_the_desk_lead_to_every_change(office: Office, admin_client: Client) -> None:
    carry_out(
        [
            AddGrant(office.pool, 2, TODAY, TODAY + timedelta(days=30)),
            SetEmergency(office.pool, 1, TOMORROW),
            Lend(office.pool, office.taborowa, office.biala, 1, TOMORROW, DAY),
            AssignNamed(office.pool, office.staff, None, office.koszykowa, TODAY),
        ],
        by=office.it_admin,
        now=NOW,
    )
    NamedLicence.objects.update(valid_from=date(2020, 1, 1))
    roles = SiteRoles.of(office.it_admin)
    part = terms_part(office.pool, roles, places=Places.of(sites()), now=NOW, peaks={}, refusals={})
    values = {"terms": part, "allocation": part.allocation, "pool": office.pool, "csrf_token": "x"}
    names = ("_allocation", "_loans", "_grants", "_emergency", "_named")
    shown = "".join(render_to_string(f"reports/{name}.html", values) for name in names)
    links = set(re.findall(r'(?:href|action)="([^"]+)"', shown))
    links = {link for link in links if link.startswith(reverse("licence_desk"))}
    kinds = {link.split("/")[4] for link in links}
    assert kinds == set(KINDS)
    for link in links:
        assert admin_client.get(link).status_code == 200


def test_page_costs_the_same_for_few_rows_and_for_many(office: Office, admin_client: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(url("przydzial")).status_code == 200
        return len(queries)

    cost()
    before = cost()
    for months in range(1, 6):
        seats = {office.koszykowa: months % 3, office.biala: months % 2}
        carry_out([SetShares(office.pool, seats, TODAY + timedelta(days=30 * months))], by=office.it_admin, now=NOW)
    assert cost() == before
