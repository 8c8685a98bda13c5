"""Saves forms as templates under a name, shares them with the people of a site, renames and deletes them."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, connection, transaction

from accounts.models import User
from bookings.models import MAX_BODY_LENGTH, MAX_TEMPLATE_NAME_LENGTH, FormTemplate
from bookings.permissions import may_change_template
from bookings.rules import clean_line
from bookings.services.errors import NotAllowed, constraint_of
from rooms.permissions import SiteRoles

#: Of one person.
MAX_TEMPLATES = 50
_USERS = 7_303


class TemplateRefused(Exception):
    """The template can't be saved like this. `why`: no_name, name_too_long, name_taken, too_many or too_long."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def save_template(name: str, body: str, *, by: User, now: datetime, site_id: int | None = None) -> FormTemplate:
    """Save the fields of a form under a name. `site_id`: the site whose people may use it too; None: `by` alone.

    Raises: TemplateRefused; NotAllowed for a site that `by` does not manage.
    """
    if site_id is not None and not SiteRoles.of(by).manages(site_id):
        raise NotAllowed
    name = _checked(name)
    if len(body) > MAX_BODY_LENGTH:
        raise TemplateRefused("too_long")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_USERS, by.pk % 2**31])
        if FormTemplate.objects.filter(owner=by, deleted_at=None).count() >= MAX_TEMPLATES:
            raise TemplateRefused("too_many")
        template = FormTemplate(owner=by, site_id=site_id, name=name, body=body, created_at=now)
        _write(template)
    return template


def rename_template(template: FormTemplate, name: str, *, by: User) -> None:
    """Raises: TemplateRefused, NotAllowed."""
    if not may_change_template(by, template):
        raise NotAllowed
    template.name = _checked(name)
    _write(template)


def delete_template(template: FormTemplate, *, by: User, now: datetime) -> None:
    """Delete a template; `restore_template` takes that back for an hour. Raises: NotAllowed."""
    if not may_change_template(by, template):
        raise NotAllowed
    FormTemplate.objects.filter(pk=template.pk).update(deleted_at=now)


def restore_template(template: FormTemplate, *, by: User) -> None:
    """Raises: TemplateRefused where another one has its name by now; NotAllowed."""
    if not may_change_template(by, template):
        raise NotAllowed
    template.deleted_at = None
    _write(template)


def _checked(name: str) -> str:
    name = clean_line(name)
    if not name:
        raise TemplateRefused("no_name")
    if len(name) > MAX_TEMPLATE_NAME_LENGTH:
        raise TemplateRefused("name_too_long")
    return name


def _write(template: FormTemplate) -> None:
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        if constraint_of(error) != "form_template_named_once":
            raise
        raise TemplateRefused("name_taken") from error
