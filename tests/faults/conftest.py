"""The lab in which things are broken on purpose, with NARADA_FAULTS=1; a few of its tests always run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import make_office
from tests.faults.brokers import broker_of_this_run
from tests.faults.lab import Lab
from tests.faults.post import Post, running_post


@pytest.fixture
def post() -> Iterator[Post]:
    with running_post() as server:
        yield server


@pytest.fixture
def lab(transactional_db: None, post: Post, tmp_path: Path) -> Iterator[Lab]:
    """An office whose rows other processes see, a mail server, and the broker of this run; no process yet."""
    broker = broker_of_this_run(tmp_path)
    lab = Lab(make_office(), post, broker, tmp_path)
    yield lab
    lab.close()
    broker.close()
