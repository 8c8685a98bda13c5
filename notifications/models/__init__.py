"""Every table of what people are told: the outbox, what they chose to be told of, and how the work goes."""

from notifications.models.choices import ReminderChoice, SiteReminders
from notifications.models.clock import Clock
from notifications.models.jobs import Alarm, Job
from notifications.models.messages import MAX_SUBJECT_LENGTH, Message
from notifications.models.routes import MailDomain, MailRoute

__all__ = [
    "MAX_SUBJECT_LENGTH",
    "Alarm",
    "Clock",
    "Job",
    "MailDomain",
    "MailRoute",
    "Message",
    "ReminderChoice",
    "SiteReminders",
]
