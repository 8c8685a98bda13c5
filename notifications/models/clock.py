"""What time it was: the machine's clock may be set back, and what waits must not wait for it to come round again."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Clock(models.Model):
    """The latest time that a worker has seen; one row. See `notifications.clock`."""

    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="clock_is_one")]

    def __str__(self) -> str:
        return str(self.seen_at)
