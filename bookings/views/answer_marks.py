"""How an answer looks: an icon and a word, colour comes third."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import pgettext

from bookings.models import Attendee

PartStat = Attendee.PartStat


@dataclass(frozen=True, slots=True)
class Mark:
    """A tag: `kind` as components/tag.html knows it."""

    kind: str
    icon: str
    text: str


def answer_mark(partstat: str) -> Mark:
    match partstat:
        case PartStat.ACCEPTED:
            # Translators: a participant, „będzie”.
            return Mark("ok", "check", pgettext("participant", "coming"))
        case PartStat.DECLINED:
            return Mark("danger", "x", pgettext("participant", "not coming"))
        case PartStat.TENTATIVE:
            return Mark("warn", "info", pgettext("participant", "may come"))
        case PartStat.DELEGATED:
            return Mark("warn", "user", pgettext("participant", "sends somebody else"))
        case _:
            return Mark("", "clock", pgettext("participant", "no answer"))
