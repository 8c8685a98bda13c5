"""Lets the page of a webhook, which is of a lower app, show what became of its calls."""

from __future__ import annotations

from django import template

from integrations.webhooks.models import Webhook
from notifications import calls
from notifications.calls import CallLine

register = template.Library()


@register.simple_tag
def calls_of(webhook: Webhook) -> list[CallLine]:
    return calls.calls_of(webhook)
