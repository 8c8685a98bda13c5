"""The smoke test's inbox, in which the example office leaves mails about series as well."""

from __future__ import annotations

from pathlib import Path

from smoke.mails import read

_MAILS = Path(__file__).parent.parent / "mail"


def test_mail_about_a_series_did_not_stop_the_smoke_test() -> None:
    raw = (_MAILS / "narada-series-invitation-pl.eml").read_bytes()
    meeting = read(raw).meeting
    assert meeting is not None
    assert (meeting.method, meeting.sequence) == ("REQUEST", 0)
    assert meeting.starts_at.tzinfo is not None


def test_mail_about_one_meeting_of_a_series_is_read_by_its_override() -> None:
    raw = (_MAILS / "narada-series-meeting-change-pl.eml").read_bytes()
    meeting = read(raw).meeting
    assert meeting is not None
    assert meeting.method == "REQUEST"
