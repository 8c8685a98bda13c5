"""What is written once for many is, for each of them, what would have been written for them alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.ical.render import Meeting, Person, fill_in, render_request, what_all_get, write_common
from tests.integrations.ical.meetings import meeting
from tests.integrations.ical.test_render_hostile import TEXTS

PERSONAL = st.fixed_dictionaries(
    {
        "attendee": st.builds(Person, st.sampled_from(["a@b.example", "o'brien+x@urzad.example"]), TEXTS),
        "is_chair": st.booleans(),
        "partstat": st.sampled_from(["NEEDS-ACTION", "ACCEPTED", "TENTATIVE", "DECLINED"]),
        "join_url": st.integers(34, 90).map(lambda length: "https://narada.urzad.example/d/".ljust(length, "q")),
    }
)


def written_for(one: Meeting) -> bytes:
    common = what_all_get(one)
    return fill_in(write_common(common), one)


@settings(max_examples=200, deadline=None)
@given(
    personal=PERSONAL, title=TEXTS, place=st.one_of(TEXTS, st.just("ż" * 300)), description=TEXTS, phone=st.booleans()
)
def test_each_gets_what_would_have_been_written_for_them_alone(
    personal: dict[str, object], title: str, place: str, description: str, phone: bool
) -> None:
    texts = {"summary": title, "place": place, "description": description, "phone_label": "Telefon"}
    one = meeting(**texts, **personal, phone_url="tel:+48221234567,,123456789%23" if phone else "")
    assert written_for(one) == render_request(one)


def test_people_of_one_meeting_share_what_all_get() -> None:
    anna = meeting(attendee=Person("anna@urzad.example", "Anna"), is_chair=True)
    piotr = meeting(attendee=Person("piotr@urzad.example", "Piotr"), partstat="ACCEPTED")
    assert what_all_get(anna) == what_all_get(piotr)
    common = write_common(what_all_get(anna))
    assert fill_in(common, piotr) == render_request(piotr)
    assert b"anna" not in fill_in(common, piotr)


def test_who_is_told_something_else_shares_nothing() -> None:
    assert what_all_get(meeting()) != what_all_get(meeting(description="Tylko dla organizatora"))
    assert what_all_get(meeting()) != what_all_get(meeting(phone_url="tel:1"))
