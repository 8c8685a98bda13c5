from __future__ import annotations

import pytest

from tests.factories import Office
from tests.integrations.jitsi.sessions import SERVER, Session, make_keys, make_session


@pytest.fixture
def session(office: Office, settings: object) -> Session:
    for name, value in SERVER.items():
        setattr(settings, name, value)
    make_keys()
    return make_session(office)
