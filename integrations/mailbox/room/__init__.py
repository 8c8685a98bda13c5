"""Rooms as guests of meetings in other calendars: invited from Outlook or Thunderbird, they answer by themselves."""

from integrations.mailbox.room.attending import Outcome, answer

__all__ = ["Outcome", "answer"]
