"""Calendars to subscribe to, by a secret address that can be taken back (calendar-mail.md I)."""
