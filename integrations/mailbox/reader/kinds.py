"""Tells answers by programs, such as absence notes, from letters by people (calendar-mail.md G12, RFC 3834)."""

from __future__ import annotations

import re

from integrations.mailbox.reader.headers import Headers

_SUBJECT = re.compile(
    r"^(auto(matic|matyczna)? ?(reply|response|odpowiedź)|automatic reply|autoreply|auto:|autoodpowiedź"
    r"|odpowiedź automatyczna|automatyczna odpowiedź|out of (the )?office|nieobecno(ść|sc)|poza biurem"
    r"|jestem poza biurem|abwesenheit|abwesend|automatische antwort|réponse automatique|automatická odpověď"
    r"|vacation|away from)",
    re.IGNORECASE,
)
_BULK = {"bulk", "junk", "auto_reply", "auto-reply"}
_MARKS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-vacation")


def by_a_program(headers: Headers) -> str:
    """Return by what it shows that a program wrote this, in plain English, or nothing for a letter by a person.

    Only asked when the mail is no calendar message: Google's own answers are `auto-generated` too.
    """
    submitted = _word(headers.first("auto-submitted"))
    if submitted and submitted != "no":
        return f"it says of itself that it is {submitted}"
    if headers.first("return-path").replace(" ", "") == "<>":
        return "it comes without a sender to answer"
    if _word(headers.first("precedence")) in _BULK:
        return "it says of itself that it is bulk mail"
    if "all" in re.split(r"[\s,;]+", headers.first("x-auto-response-suppress").lower()):
        return "it asks for no answer by a program, as only programs do"
    if any(headers.first(name) for name in _MARKS):
        return "it says of itself that it is an automatic answer"
    if headers.content_type == "multipart/report":
        return "it is a report by a program"
    if _SUBJECT.match(headers.decoded("subject", 200)):
        return "its subject is that of an absence note"
    return ""


def _word(value: str) -> str:
    found = re.match(r"\s*([A-Za-z_-]{1,40})", value)
    return found[1].lower() if found else ""
