"""Who may read about licences: IT admins all, managers of sites the figures of the office and the details of theirs."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from rooms.permissions import SiteRoles


@dataclass(frozen=True, slots=True)
class LicenceReader:
    """`sites`: whose sessions and refusals the reader sees in detail; None: of all sites, and of none."""

    user: User
    sites: frozenset[int] | None

    @classmethod
    def of(cls, user: object) -> LicenceReader | None:
        """Return what the user may read, or None for those who have no business with licences."""
        if not isinstance(user, User):
            return None
        roles = SiteRoles.of(user)
        if roles.is_it_admin:
            return cls(user, None)
        return cls(user, roles.managed_sites) if roles.managed_sites else None

    def sees(self, *site_ids: int | None) -> bool:
        """Say whether one of these sites is the reader's business."""
        return self.sites is None or any(site_id in self.sites for site_id in site_ids)
