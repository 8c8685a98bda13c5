"""Calendars for programs, and the page on which people manage their addresses."""
