"""Who may have other systems told of sessions: a webhook hands titles and times of all sites to whoever listens."""

from __future__ import annotations

from accounts.models import User


def may_manage(user: User) -> bool:
    return user.is_active and user.is_it_admin
