"""Reads the webhooks, for those who may manage them."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from integrations.webhooks.models import Webhook
from integrations.webhooks.permissions import may_manage


def webhooks_for(user: User) -> QuerySet[Webhook]:
    """Return all webhooks by name, with their sites; none to others than IT admins."""
    if not may_manage(user):
        return Webhook.objects.none()
    return Webhook.objects.select_related("site", "created_by").order_by("name")


def webhook_for(user: User, pk: int) -> Webhook:
    """Raises: Webhook.DoesNotExist also where the user may not see it."""
    return webhooks_for(user).get(pk=pk)
