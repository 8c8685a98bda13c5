"""Every table of the integrations."""

from integrations.feeds.models import CalendarFeed
from integrations.mailbox.models import InboundMail

__all__ = ["CalendarFeed", "InboundMail"]
