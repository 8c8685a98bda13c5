"""Reads mails that come from outside, within bounds (calendar-mail.md G1, G12, H10, H11).

`read_mail` does it where it is called; `Reader` in a process of its own, which may run out of time or memory without
harm to anybody. Imported in that process too: nothing here knows Django.
"""

from integrations.mailbox.reader.errors import Unreadable
from integrations.mailbox.reader.mail import read_mail
from integrations.mailbox.reader.process import Reader

__all__ = ["Reader", "Unreadable", "read_mail"]
