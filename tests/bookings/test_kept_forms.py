"""What is typed into a form is kept until it is booked; templates are saved, shared and taken back."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, close_old_connections, connection, transaction

from accounts.models import User
from bookings import services
from bookings.kept_queries import kept_forms_of, templates_for
from bookings.models import MAX_BODY_LENGTH, Booking, FormTemplate, KeptForm
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_user

FORM = uuid.UUID(int=7)
LATER = NOW + timedelta(minutes=1)


def keep(user: User, body: str = "title=A", *, form: uuid.UUID = FORM, page: str = "", turn: int = 0, **more):
    return services.keep_form(
        body, submission=form, user=user, now=more.pop("now", NOW), turn=services.Turn(page, turn), **more
    )


def bodies(user: User) -> list[str]:
    return list(kept_forms_of(user).values_list("body", flat=True))


def test_a_form_is_kept_and_kept_anew(office: Office) -> None:
    assert keep(office.staff) == NOW
    assert keep(office.staff, "title=B", now=LATER) == LATER
    assert bodies(office.staff) == ["title=B"]


def test_the_same_again_writes_nothing(office: Office, django_assert_num_queries) -> None:
    keep(office.staff)
    with django_assert_num_queries(1):
        assert keep(office.staff, now=LATER) == NOW


def test_within_the_pause_nothing_is_written(office: Office, django_assert_num_queries) -> None:
    keep(office.staff)
    with django_assert_num_queries(1):
        keep(office.staff, "title=B", now=NOW + timedelta(seconds=3), pause=timedelta(seconds=4))
    assert bodies(office.staff) == ["title=A"]
    keep(office.staff, "title=B", now=NOW + timedelta(seconds=4), pause=timedelta(seconds=4))
    assert bodies(office.staff) == ["title=B"]


def test_an_earlier_change_that_comes_late_overwrites_nothing(office: Office) -> None:
    keep(office.staff, "title=AB", page="p", turn=2)
    keep(office.staff, "title=A", page="p", turn=1, now=LATER)
    assert bodies(office.staff) == ["title=AB"]
    keep(office.staff, "title=C", page="q", turn=1, now=LATER)
    assert bodies(office.staff) == ["title=C"], "another opened page is what somebody types into now"


def test_an_earlier_empty_form_that_comes_late_deletes_nothing(office: Office) -> None:
    keep(office.staff, page="p", turn=2)
    services.empty_form(submission=FORM, user=office.staff, turn=services.Turn("p", 1))
    assert bodies(office.staff) == ["title=A"]
    services.empty_form(submission=FORM, user=office.staff, turn=services.Turn("p", 3))
    assert bodies(office.staff) == []


def test_nobody_writes_over_the_form_of_somebody_else(office: Office) -> None:
    keep(office.staff)
    assert keep(office.manager, "title=B") is None
    assert (bodies(office.staff), bodies(office.manager)) == (["title=A"], [])


def test_what_is_booked_is_kept_no_longer_and_not_again(office: Office) -> None:
    keep(office.staff)
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW, submission=FORM)
    assert bodies(office.staff) == []
    assert keep(office.staff, "title=B") is None
    assert not KeptForm.objects.exists()


def test_what_is_refused_is_kept(office: Office) -> None:
    keep(office.staff)
    with pytest.raises(services.Refused):
        services.book(ask(office.staff, title=""), by=office.staff, now=NOW, submission=FORM)
    assert bodies(office.staff) == ["title=A"]


def test_a_form_beyond_measure_leaves_what_was_kept(office: Office) -> None:
    keep(office.staff)
    assert keep(office.staff, "x" * (MAX_BODY_LENGTH + 1)) is None
    assert bodies(office.staff) == ["title=A"]
    with pytest.raises(IntegrityError, match="kept_form_fits"), transaction.atomic():
        KeptForm.objects.update(body="x" * (MAX_BODY_LENGTH + 1))


def test_the_forms_of_one_person_are_so_many_at_most(office: Office) -> None:
    for number in range(services.MAX_KEPT_FORMS + 2):
        keep(office.staff, f"title={number}", form=uuid.UUID(int=number), now=NOW + timedelta(seconds=number))
    keep(office.manager, form=uuid.UUID(int=99))
    assert bodies(office.staff)[-1] == "title=2"
    assert len(bodies(office.staff)) == services.MAX_KEPT_FORMS
    assert bodies(office.manager) == ["title=A"]


def test_deleting_can_be_taken_back_and_typing_on_brings_a_form_back(office: Office) -> None:
    keep(office.staff, page="p", turn=1)
    form = kept_forms_of(office.staff).get()
    services.delete_form(form, now=NOW)
    keep(office.staff, page="p", turn=2, now=LATER)
    assert bodies(office.staff) == [], "nothing was typed since: the page was only closed"
    services.restore_form(form)
    assert bodies(office.staff) == ["title=A"]
    services.delete_form(form, now=NOW)
    keep(office.staff, "title=B", page="p", turn=3, now=LATER)
    assert bodies(office.staff) == ["title=B"]


def test_old_and_deleted_forms_are_forgotten(office: Office) -> None:
    keep(office.staff)
    keep(office.staff, form=uuid.UUID(int=8), now=NOW + timedelta(days=29))
    assert services.forget_kept_forms(NOW + services.KEPT_FOR) == 0
    assert services.forget_kept_forms(NOW + services.KEPT_FOR + timedelta(seconds=1)) == 1
    services.delete_form(KeptForm.objects.get(), now=NOW + timedelta(days=30))
    template = services.save_template("Kolegium", "title=A", by=office.staff, now=NOW)
    services.delete_template(template, by=office.staff, now=NOW)
    assert services.forget_kept_forms(NOW + timedelta(days=30, hours=1, seconds=1)) == 2
    assert (KeptForm.objects.count(), FormTemplate.objects.count()) == (0, 0)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_booking_and_keeping_at_once_leave_no_draft_of_a_booked_session(office: Office) -> None:
    """Whichever comes first: the draft is gone once the session stands."""
    for number in range(6):
        form, start = uuid.UUID(int=100 + number), Barrier(2)

        def run(act, start=start):
            close_old_connections()
            try:
                start.wait()
                return act()
            finally:
                connection.close()

        request = ask(office.staff, title=f"Sesja {number}", start=at(8 + number))
        book = lambda request=request, form=form: services.book(  # noqa: E731  one act of two, named by its order
            request, by=office.staff, now=NOW, submission=form
        )
        save = lambda form=form: keep(office.staff, form=form)  # noqa: E731  one act of two, named by its order
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(run, book), pool.submit(run, save)]:
                done.result()
    assert Booking.objects.count() == 6
    assert not KeptForm.objects.exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_forms_kept_at_once_stay_within_the_bound(office: Office) -> None:
    for number in range(services.MAX_KEPT_FORMS - 1):
        keep(office.staff, form=uuid.UUID(int=number))
    start = Barrier(4)

    def save(number: int) -> None:
        close_old_connections()
        try:
            start.wait()
            keep(office.staff, form=uuid.UUID(int=1_000 + number), now=LATER)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(4)))
    assert kept_forms_of(office.staff).count() == services.MAX_KEPT_FORMS


# --- templates ---


def test_a_template_is_the_owner_s_or_shared_with_a_site(office: Office) -> None:
    mine = services.save_template(" Kolegium ", "title=A", by=office.manager, now=NOW)
    site = services.save_template("Placówki", "title=B", by=office.manager, now=NOW, site_id=office.koszykowa.pk)
    assert list(templates_for(office.manager)) == [mine, site]
    assert list(templates_for(office.staff)) == [site]
    assert list(templates_for(make_user("obca@urzad.example"))) == []


def test_who_manages_no_site_shares_and_changes_nothing_of_it(office: Office) -> None:
    with pytest.raises(services.NotAllowed):
        services.save_template("A", "", by=office.staff, now=NOW, site_id=office.koszykowa.pk)
    shared = services.save_template("A", "", by=office.manager, now=NOW, site_id=office.koszykowa.pk)
    for act in (
        lambda: services.rename_template(shared, "B", by=office.staff),
        lambda: services.delete_template(shared, by=office.staff, now=NOW),
        lambda: services.restore_template(shared, by=office.staff),
    ):
        with pytest.raises(services.NotAllowed):
            act()
    assert FormTemplate.objects.filter(name="A", deleted_at=None).exists()


@pytest.mark.parametrize(("name", "why"), [("  ", "no_name"), ("x" * 101, "name_too_long"), ("Zajęta", "name_taken")])
def test_a_name_is_there_short_and_one_s_own(office: Office, name: str, why: str) -> None:
    services.save_template("Zajęta", "", by=office.staff, now=NOW)
    with pytest.raises(services.TemplateRefused) as refused:
        services.save_template(name, "", by=office.staff, now=NOW)
    assert refused.value.why == why


def test_a_deleted_template_comes_back_unless_its_name_is_taken(office: Office) -> None:
    template = services.save_template("A", "", by=office.staff, now=NOW)
    services.delete_template(template, by=office.staff, now=NOW)
    services.restore_template(template, by=office.staff)
    assert list(templates_for(office.staff)) == [template]
    services.delete_template(template, by=office.staff, now=NOW)
    services.save_template("A", "", by=office.staff, now=NOW)
    with pytest.raises(services.TemplateRefused):
        services.restore_template(template, by=office.staff)


def test_templates_are_so_many_at_most(office: Office) -> None:
    rows = [FormTemplate(owner=office.staff, name=str(n), created_at=NOW) for n in range(services.MAX_TEMPLATES)]
    FormTemplate.objects.bulk_create(rows)
    with pytest.raises(services.TemplateRefused) as refused:
        services.save_template("jeszcze jeden", "", by=office.staff, now=NOW)
    assert refused.value.why == "too_many"
