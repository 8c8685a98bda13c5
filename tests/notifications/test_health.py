"""What a monitor is told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from notifications import health, heartbeat, tasks
from tests.servers import free_port


@pytest.fixture(autouse=True)
def no_heartbeat() -> None:
    heartbeat.forget()


def test_healthz_answers_everybody_without_the_database(django_assert_num_queries: object) -> None:
    # No database fixture: a query would fail the test.
    response = Client().get("/healthz")
    assert (response.status_code, response.content, response["Content-Type"]) == (
        200,
        b"ok",
        "text/plain; charset=utf-8",
    )
    assert "no-store" in response["Cache-Control"]
    assert "Set-Cookie" not in response


@pytest.mark.django_db
def test_readyz_is_ready_when_the_worker_has_just_given_a_sign_of_life() -> None:
    tasks.beat_heart()
    response = Client().get("/readyz")
    assert response.status_code == 200
    answer = response.json()
    assert (answer["ready"], answer["missing"]) == (True, [])
    assert 0 <= answer["heartbeat_age_seconds"] < 5


@pytest.mark.django_db
def test_readyz_names_a_worker_that_was_never_seen() -> None:
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"ready": False, "missing": ["worker"], "troubles": [], "heartbeat_age_seconds": None}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seconds", "missing"),
    [(0, ()), (29.9, ()), (30, ("worker",)), (3600, ("worker",)), (-29.9, ()), (-31, ("worker",))],
)
def test_a_sign_of_life_is_fresh_for_half_a_minute(seconds: float, missing: tuple[str, ...]) -> None:
    now = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
    heartbeat.beat_heart(now - timedelta(seconds=seconds))
    assert health.find_readiness(now).missing == missing


@pytest.mark.django_db(transaction=True)
def test_readyz_names_a_database_that_is_gone() -> None:
    heartbeat.beat_heart(timezone.now())
    connection.close()
    port, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], str(free_port())
    try:
        response = Client().get("/readyz")
        assert response.status_code == 503
        assert response.json()["missing"] == ["database", "worker"]
        assert Client().get("/healthz").status_code == 200
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port
