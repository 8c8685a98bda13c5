"""The outside world: calendars and the conference server."""
