"""Changes of whose seats are: loans between sites, and licences that belong to a person or a room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from accounts.models import User
from rooms import licence_words as words
from rooms.licence_services import (
    ChangeRefused,
    OfItAdmins,
    end,
    fresh,
    in_order,
    not_past,
    overlapping,
    saved,
    still_runs,
    whole,
)
from rooms.models import LicenceLoan, LicencePool, NamedLicence, Room, Site
from rooms.permissions import SiteRoles


@dataclass(frozen=True)
class Lend:
    """A site lends seats of its share to another, up to a last day. Managers of the lender may, and IT admins."""

    pool: LicencePool
    lender: Site
    borrower: Site
    seats: int
    valid_from: date
    valid_to: date | None

    def may(self, roles: SiteRoles) -> bool:
        return roles.manages(self.lender.pk)

    def apply(self, *, by: User, now: datetime) -> None:
        whole(self.seats, 1, "seats", day=self.valid_from)
        if self.lender == self.borrower:
            raise ChangeRefused(
                _("%(site)s can't lend to itself. Choose another site.") % {"site": self.lender.name}, "borrower"
            )
        not_past(self.pool, self.valid_from, now, "valid_from")
        if self.valid_to is None:
            raise ChangeRefused(_("A loan has a last day. Say until when the licences are lent."), "valid_to")
        in_order(self.valid_from, self.valid_to)
        not_past(self.pool, self.valid_to, now, "valid_to")
        loan = LicenceLoan(
            pool=self.pool,
            lender=self.lender,
            borrower=self.borrower,
            seats=self.seats,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            created_by=by,
            created_at=now,
        )
        if self._other() is not None:
            raise self._clash()
        saved(loan, self._clash)

    def _other(self) -> LicenceLoan | None:
        loans = LicenceLoan.objects.filter(pool=self.pool, lender=self.lender, borrower=self.borrower)
        found: LicenceLoan | None = overlapping(loans, self.valid_from, self.valid_to)
        return found

    def _clash(self) -> ChangeRefused:
        other = self._other()
        if other is None:
            return ChangeRefused(_("These two sites have another loan on some of these days."), "valid_from")
        return ChangeRefused(words.lent_already(other), "valid_from")


@dataclass(frozen=True)
class EndLoan:
    """The seats go back after `last_day`, sooner than agreed; before the first day the loan never was."""

    loan: LicenceLoan
    last_day: date

    @property
    def pool(self) -> LicencePool:
        return self.loan.pool

    def may(self, roles: SiteRoles) -> bool:
        return roles.manages(self.loan.lender_id)

    def apply(self, *, by: User, now: datetime) -> None:
        loan = fresh(self.loan)
        still_runs(self.pool, loan.valid_to, now)
        not_past(self.pool, self.last_day, now, "last_day")
        if loan.valid_to is not None and self.last_day > loan.valid_to:
            raise ChangeRefused(words.loan_ends_sooner(loan.valid_to, self.last_day), "last_day")
        end(loan, self.last_day)


@dataclass(frozen=True)
class AssignNamed(OfItAdmins):
    """One seat belongs to a person or a room (one of the two), out of the share of `site` or of the reserve."""

    pool: LicencePool
    user: User | None
    room: Room | None
    site: Site | None
    valid_from: date
    valid_to: date | None = None

    def apply(self, *, by: User, now: datetime) -> None:
        if (self.user is None) == (self.room is None):
            raise ChangeRefused(_("Choose a person or a room, one of the two."), "owner")
        not_past(self.pool, self.valid_from, now, "valid_from")
        in_order(self.valid_from, self.valid_to)
        if self.valid_to is not None:
            not_past(self.pool, self.valid_to, now, "valid_to")
        if self._other() is not None:
            raise self._clash()
        named = NamedLicence(pool=self.pool, user=self.user, room=self.room, site=self.site)
        named.valid_from, named.valid_to = self.valid_from, self.valid_to
        saved(named, self._clash)

    def _other(self) -> NamedLicence | None:
        of_owner = NamedLicence.objects.filter(pool=self.pool, user=self.user, room=self.room)
        found: NamedLicence | None = overlapping(of_owner, self.valid_from, self.valid_to)
        return found

    def _clash(self) -> ChangeRefused:
        other = self._other()
        owner = str(self.user or self.room)
        if other is None:
            return ChangeRefused(
                _("%(owner)s has a licence on some of these days already.") % {"owner": owner}, "owner"
            )
        return ChangeRefused(words.assigned_already(owner, other), "owner")


@dataclass(frozen=True)
class EndNamed(OfItAdmins):
    """The seat goes back after `last_day` to where it came from; sessions that hold it then take an ordinary one."""

    named: NamedLicence
    last_day: date

    @property
    def pool(self) -> LicencePool:
        return self.named.pool

    def apply(self, *, by: User, now: datetime) -> None:
        named = fresh(self.named)
        still_runs(self.pool, named.valid_to, now)
        not_past(self.pool, self.last_day, now, "last_day")
        if self.last_day < named.valid_from and named.holds.exists():
            raise ChangeRefused(words.begins_later(named.valid_from, self.last_day), "last_day")
        end(named, self.last_day)
