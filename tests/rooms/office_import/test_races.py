"""Two imports at once: the second waits for the first and finds everything there."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from django.db import connection

from rooms.models import Room, Site
from rooms.office_import.store import Summary, import_office
from tests.rooms.office_import.conftest import Folder


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_store_everything_once(folder: Folder) -> None:
    start, summaries = Barrier(2), list[Summary]()

    def run() -> None:
        try:
            start.wait(10)
            summaries.append(import_office(folder.path))
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted((summary.sites.created, summary.rooms.created) for summary in summaries) == [(0, 0), (2, 2)]
    assert (Site.objects.count(), Room.objects.count()) == (2, 2)
