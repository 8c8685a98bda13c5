"""What the launcher says when it cannot go on."""

from __future__ import annotations

from collections.abc import Sequence


class LaunchError(Exception):
    """One clear sentence for the person at the terminal, who gets exit code 1 and no traceback.

    lines: the last lines of a log that explain the sentence, printed before it.
    """

    def __init__(self, sentence: str, *, lines: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.lines = tuple(lines)
