"""`manage.py watch`: looks once for what is ill, tells who has to know, and ends with 1 where something is.

For a timer, on another machine as well: it needs neither the worker nor the pages.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone, translation

from notifications import jobs
from notifications.alarms import away
from notifications.alarms.people import people_to_tell, remember
from notifications.alarms.watching import JOB
from notifications.compose import alarm as words
from notifications.models import Alarm


class Command(BaseCommand):
    help = "Looks once for what is ill, tells IT admins of it as set, and ends with 1 where something is."

    def handle(self, *_: Any, **__: Any) -> None:
        now, zone = timezone.now(), ZoneInfo(settings.TIME_ZONE)
        with translation.override(settings.LANGUAGE_CODE):
            try:
                # Asked first: work that meets no database is silent about it.
                remember(people_to_tell())
                away.note_back(now)
                jobs.run(JOB, now, woken=True)
                alarms = list(Alarm.objects.filter(closed_at=None).order_by("pk"))
            except (OperationalError, InterfaceError) as error:
                away.note_away(now, now)
                raise CommandError(f"The database is away: {str(error).strip().partition(chr(10))[0]}", returncode=1)
            for alarm in alarms:
                self.stdout.write(words.in_one_text(alarm, zone=zone, now=now) + "\n")
        if alarms:
            raise CommandError(", ".join(alarm.kind for alarm in alarms), returncode=1)
        self.stdout.write("ok")
