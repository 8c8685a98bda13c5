"""A condition for query sets: a column is one of many values, given as one array.

`…__in` writes a placeholder for each value, and a subquery hides from the planner how few there are.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, BooleanField, F, Func, TextField, Value
from django.db.models.expressions import Combinable


class _AnyOf(Func):
    template = "%(expressions)s)"
    arg_joiner = " = ANY ("
    output_field = BooleanField()


def key_of(name: str, keys: Iterable[int]) -> _AnyOf:
    """Say whether the column holds one of the keys; neither true nor false where it is NULL."""
    return _AnyOf(F(name), Value(sorted(keys), output_field=ArrayField(BigIntegerField())))


def text_of(what: str | Combinable, texts: Iterable[str]) -> _AnyOf:
    """Likewise for texts, of a column or of an expression such as `Lower("email")`."""
    expression = F(what) if isinstance(what, str) else what
    return _AnyOf(expression, Value(sorted(texts), output_field=ArrayField(TextField())))
