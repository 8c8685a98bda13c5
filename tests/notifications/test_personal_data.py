"""Every table with words in it is known: it holds nobody's data, or says how that is shown and erased."""

from __future__ import annotations

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.personal_data import fields_without_people, keepers

_WORDS = (
    models.CharField,
    models.TextField,
    models.BinaryField,
    models.JSONField,
    models.UUIDField,
    models.FileField,
    models.GenericIPAddressField,
    ArrayField,
)


def fields_with_words() -> set[str]:
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, _WORDS)
    }


def kept() -> list[str]:
    return [f"{model}.{name}" for keeper in keepers() for model, names in keeper.fields.items() for name in names]


def test_every_field_with_words_is_kept_by_somebody_or_holds_nobody() -> None:
    """A new table: add its fields to a keeper in `personal_data.py` of its app, or say there why they hold nobody."""
    known = {*kept(), *fields_without_people()}
    assert sorted(fields_with_words() - known) == []
    assert sorted(known - fields_with_words()) == []


def test_a_field_is_kept_once_and_not_called_nobodys_too() -> None:
    assert len(kept()) == len(set(kept()))
    assert set(kept()) & set(fields_without_people()) == set()


def test_reasons_are_sentences() -> None:
    assert [why for why in fields_without_people().values() if len(why) < 12] == []
