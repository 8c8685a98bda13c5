"""How a number of licences in use is drawn: in tenths of what is granted, with a colour and a word where it is high."""

from __future__ import annotations

from dataclasses import dataclass

_NEAR = 8  # tenths


@dataclass(frozen=True, slots=True)
class LicenceMark:
    """`tenths`: of what is granted, 0 to 10. `state`: near, full, or empty."""

    tenths: int
    state: str


def licence_mark(in_use: int, granted: int) -> LicenceMark:
    # Rounded up: one licence in use is never drawn as none.
    tenths = min(10, -(-10 * in_use // granted)) if granted else 0
    return LicenceMark(tenths, "full" if in_use >= granted else "near" if tenths >= _NEAR else "")
