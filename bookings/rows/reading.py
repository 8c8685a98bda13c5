"""Reads rows of models by statements that are written out: compiling a query anew can take longer than running it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Field, Model

Row = TypeVar("Row", bound=Model)


def columns(model: type[Model], alias: str) -> str:
    """Return the columns of the model as a statement lists them, in the order that `read` expects."""
    return ", ".join(f'{alias}."{field.column}"' for field in _fields(model))


def width(model: type[Model]) -> int:
    return len(_fields(model))


def read(model: type[Row], values: Sequence[Any]) -> Row:
    """Return the row as the ORM would have read it; what comes after its columns is left alone."""
    names = [field.attname for field in _fields(model)]
    return model.from_db(DEFAULT_DB_ALIAS, names, list(values[: len(names)]))


def written(model: type[Row], columns: Mapping[str, Any]) -> Row:
    """Return the row that a statement of ours has written with these columns, and the model's defaults in others."""
    values = [columns[field.attname] if field.attname in columns else field.get_default() for field in _fields(model)]
    return read(model, values)


def _fields(model: type[Model]) -> Sequence[Field[Any, Any]]:
    return model._meta.concrete_fields  # noqa: SLF001  documented by Django, in spite of its name
