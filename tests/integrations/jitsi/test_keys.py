"""One key signs for each purpose, successors are known before they sign, and what leaked is gone."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import datetime, timedelta
from io import StringIO

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client

from integrations.jitsi import keys, sealing
from integrations.jitsi.keys import Purpose, State
from integrations.jitsi.models import SigningKey
from notifications import tasks
from tests.bookings.requests import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANOTHER_SECRET = "another-secret-key-another-secret-key-another-1"


def states(now: datetime, purpose: Purpose = Purpose.LOGIN) -> list[State]:
    """Return what the keys of one purpose do, the newest first."""
    return [state for row, state in keys.states(now=now) if row.purpose == purpose]


def pem_of(kid: str, *, store: str = "keys", at: datetime = NOW) -> object:
    with time_machine.travel(at, tick=False):
        return Client().get(f"/jitsi/{store}/{hashlib.sha256(kid.encode()).hexdigest()}.pem")


def listed(*, store: str = "keys", at: datetime = NOW) -> list[str]:
    with time_machine.travel(at, tick=False):
        return [key["kid"] for key in Client().get(f"/jitsi/{store}/jwks.json").json()["keys"]]


# --- Which one signs ------------------------------------------------------------------------------------------------
def test_first_key_signs_at_once_and_goes_on(db: None) -> None:
    first = keys.signing_key(Purpose.LOGIN, now=NOW)
    assert (first.algorithm, first.private.key_size) == ("RS256", 2048)
    assert keys.signing_key(Purpose.LOGIN, now=NOW + DAY) == first
    assert keys.signing_key(Purpose.CONTROL, now=NOW).kid != first.kid
    assert SigningKey.objects.count() == 2


def test_signing_costs_one_query_and_no_reading_of_the_key(db: None, django_assert_num_queries) -> None:
    first = keys.signing_key(Purpose.LOGIN, now=NOW)
    with django_assert_num_queries(1):
        again = keys.signing_key(Purpose.LOGIN, now=NOW)
    assert again.private is first.private


def test_successor_is_published_an_hour_before_it_signs(db: None) -> None:
    old = keys.signing_key(Purpose.LOGIN, now=NOW).kid
    turn = NOW + 30 * DAY
    new = keys.rotate(Purpose.LOGIN, now=turn).kid
    assert states(turn) == [State.COMING, State.SIGNING]
    assert listed(at=turn) == [new, old]
    assert keys.signing_key(Purpose.LOGIN, now=turn + HOUR - timedelta(seconds=1)).kid == old
    assert keys.signing_key(Purpose.LOGIN, now=turn + HOUR).kid == new
    assert states(turn + HOUR) == [State.SIGNING, State.PUBLISHED]


def test_old_key_is_published_for_two_days_more(db: None) -> None:
    old = keys.signing_key(Purpose.LOGIN, now=NOW).kid
    new = keys.rotate(Purpose.LOGIN, now=NOW + DAY).kid
    end = NOW + DAY + HOUR + 2 * DAY
    assert pem_of(old, at=end - timedelta(seconds=1)).status_code == 200
    assert (pem_of(old, at=end).status_code, listed(at=end)) == (404, [new])
    assert states(end) == [State.SIGNING, State.WITHDRAWN]


def test_rotating_twice_makes_one_successor(db: None) -> None:
    keys.signing_key(Purpose.LOGIN, now=NOW)
    first = keys.rotate(Purpose.LOGIN, now=NOW + DAY)
    assert keys.rotate(Purpose.LOGIN, now=NOW + DAY + HOUR / 2) == first
    assert keys.rotate(Purpose.LOGIN, now=NOW + DAY + HOUR) != first


def test_rotating_before_anything_was_signed_signs_at_once(db: None) -> None:
    assert keys.rotate(Purpose.LOGIN, now=NOW).kid == keys.signing_key(Purpose.LOGIN, now=NOW).kid


# --- By the clock ---------------------------------------------------------------------------------------------------
def test_worker_makes_first_keys_and_follows_their_age(db: None, settings: object) -> None:
    settings.JITSI_KEY_DAYS = 90
    keys.keep_fresh(NOW)
    assert (states(NOW), states(NOW, Purpose.CONTROL)) == ([State.SIGNING], [State.SIGNING])
    keys.keep_fresh(NOW + 90 * DAY - HOUR - timedelta(seconds=1))
    assert SigningKey.objects.count() == 2
    keys.keep_fresh(NOW + 90 * DAY - HOUR)
    keys.keep_fresh(NOW + 90 * DAY - HOUR / 2)
    assert states(NOW + 90 * DAY - HOUR / 2) == [State.COMING, State.SIGNING]
    assert states(NOW + 90 * DAY) == [State.SIGNING, State.PUBLISHED]
    assert SigningKey.objects.count() == 4


def test_office_may_rotate_by_hand_only(db: None, settings: object) -> None:
    settings.JITSI_KEY_DAYS = 0
    keys.keep_fresh(NOW)
    keys.keep_fresh(NOW + 1000 * DAY)
    assert states(NOW + 1000 * DAY) == [State.SIGNING]


def test_private_half_is_forgotten_when_it_signs_no_more(db: None, settings: object) -> None:
    settings.JITSI_KEY_DAYS = 0
    keys.keep_fresh(NOW)
    old = SigningKey.objects.get(purpose=Purpose.LOGIN)
    keys.rotate(Purpose.LOGIN, now=NOW + DAY)
    keys.keep_fresh(NOW + DAY + HOUR)
    old.refresh_from_db()
    assert bytes(old.private) != b"", "a clock that is behind may still want it"
    keys.keep_fresh(NOW + DAY + 2 * HOUR)
    old.refresh_from_db()
    assert bytes(old.private) == b""
    assert pem_of(old.kid, at=NOW + DAY + 2 * HOUR).status_code == 200


def test_task_keeps_them_fresh(db: None) -> None:
    tasks.run_job("keep_keys_fresh", woken=True)
    assert SigningKey.objects.count() == 2


# --- What leaked ----------------------------------------------------------------------------------------------------
def test_withdrawn_key_signs_nothing_more_and_is_published_no_more(db: None) -> None:
    leaked = keys.signing_key(Purpose.LOGIN, now=NOW).kid
    later = NOW + DAY
    keys.withdraw(leaked, now=later)
    new = keys.signing_key(Purpose.LOGIN, now=later).kid
    assert new != leaked
    assert (pem_of(leaked, at=later).status_code, listed(at=later)) == (404, [new])
    assert bytes(SigningKey.objects.get(kid=leaked).private) == b""
    assert states(later) == [State.SIGNING, State.WITHDRAWN]


def test_successor_that_is_known_already_takes_over_from_a_withdrawn_key(db: None) -> None:
    leaked = keys.signing_key(Purpose.LOGIN, now=NOW).kid
    coming = keys.rotate(Purpose.LOGIN, now=NOW + DAY).kid
    keys.withdraw(leaked, now=NOW + DAY + HOUR / 2)
    assert keys.signing_key(Purpose.LOGIN, now=NOW + DAY + HOUR / 2).kid == coming
    assert SigningKey.objects.count() == 2


def test_key_goes_on_when_its_successor_is_withdrawn(db: None) -> None:
    old = keys.signing_key(Purpose.LOGIN, now=NOW).kid
    coming = keys.rotate(Purpose.LOGIN, now=NOW + DAY).kid
    keys.withdraw(coming, now=NOW + DAY)
    for later in (NOW + DAY, NOW + 10 * DAY):
        assert keys.signing_key(Purpose.LOGIN, now=later).kid == old


def test_withdrawing_an_old_key_changes_nothing_for_the_new_one(db: None) -> None:
    old = keys.signing_key(Purpose.LOGIN, now=NOW).kid
    new = keys.rotate(Purpose.LOGIN, now=NOW + DAY).kid
    later = NOW + DAY + 2 * HOUR
    for _twice in range(2):
        keys.withdraw(old, now=later)
    assert keys.signing_key(Purpose.LOGIN, now=later).kid == new
    assert SigningKey.objects.get(kid=new).withdrawn_at is None


# --- Private halves -------------------------------------------------------------------------------------------------
def test_private_half_is_no_key_without_the_secret_of_the_instance(db: None, settings: object) -> None:
    keys.signing_key(Purpose.LOGIN, now=NOW)
    sealed = bytes(SigningKey.objects.get().private)
    assert b"PRIVATE" not in sealed
    settings.SECRET_KEY = ANOTHER_SECRET
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed)


def test_new_secret_reads_what_the_old_one_sealed_and_seals_it_anew(db: None, settings: object) -> None:
    first = keys.signing_key(Purpose.LOGIN, now=NOW).kid
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], ANOTHER_SECRET
    assert keys.signing_key(Purpose.LOGIN, now=NOW).kid == first
    keys.keep_fresh(NOW)
    settings.SECRET_KEY_FALLBACKS = []
    assert keys.signing_key(Purpose.LOGIN, now=NOW).kid == first


def test_key_that_nobody_can_read_any_more_is_replaced(db: None, settings: object) -> None:
    lost = keys.signing_key(Purpose.LOGIN, now=NOW).kid
    settings.SECRET_KEY = ANOTHER_SECRET
    new = keys.signing_key(Purpose.LOGIN, now=NOW + DAY).kid
    assert new != lost
    assert keys.signing_key(Purpose.LOGIN, now=NOW + DAY).kid == new
    assert pem_of(lost, at=NOW + DAY).status_code == 200, "what it signed is still good"
    keys.keep_fresh(NOW + DAY)
    assert states(NOW + 3 * DAY) == [State.SIGNING, State.WITHDRAWN]


# --- At once --------------------------------------------------------------------------------------------------------
def _at_once(work, count: int = 4) -> list[object]:
    """Run it in so many threads, each with a connection of its own, and return what came of it."""
    results: list[object] = []
    ready = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            ready.wait(10)
            results.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.django_db(transaction=True)
def test_four_who_need_the_first_key_at_once_get_the_same() -> None:
    kids = _at_once(lambda number: keys.signing_key(Purpose.LOGIN, now=NOW + timedelta(microseconds=number)).kid)
    assert kids == [keys.signing_key(Purpose.LOGIN, now=NOW + HOUR).kid] * 4
    assert SigningKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_four_workers_make_one_successor(settings: object) -> None:
    settings.JITSI_KEY_DAYS = 90
    keys.keep_fresh(NOW)
    _at_once(lambda number: keys.keep_fresh(NOW + 90 * DAY + timedelta(microseconds=number)))
    assert SigningKey.objects.count() == 4


# --- What servers read ----------------------------------------------------------------------------------------------
def test_prosody_gets_the_key_by_the_digest_of_its_name(db: None, django_assert_num_queries) -> None:
    key = keys.signing_key(Purpose.LOGIN, now=NOW)
    with django_assert_num_queries(1):
        response = pem_of(key.kid)
    assert response.status_code == 200
    assert response.content.startswith(b"-----BEGIN PUBLIC KEY-----\n")
    assert load_pem_public_key(response.content).public_numbers() == key.private.public_key().public_numbers()
    token = jwt.encode({"aud": "jitsi"}, key.private, algorithm="RS256")
    assert jwt.decode(token, response.content, algorithms=["RS256"], audience="jitsi")


def test_digest_is_the_one_that_was_seen_on_the_wire() -> None:
    assert keys.digest("k1") == "6ab9f1eb8f7d3388f4f9d586f66e99fd54080df2c446f0e58668b09c08a16dd0"


def test_p2_stores_know_nothing_of_each_other(db: None) -> None:
    login, control = (keys.signing_key(purpose, now=NOW).kid for purpose in (Purpose.LOGIN, Purpose.CONTROL))
    found = [pem_of(kid, store=store).status_code for kid in (login, control) for store in ("keys", "control-keys")]
    assert found == [200, 404, 404, 200]
    assert (listed(), listed(store="control-keys")) == ([login], [control])


@pytest.mark.parametrize(
    "name",
    ["x.pem", f"{'A' * 64}.pem", f"{'a' * 63}.pem", f"{'a' * 64}", f"{'a' * 64}.pem%0a", "%00.pem", f"{'a' * 64}.pem/"],
)
def test_anything_else_is_not_found(db: None, name: str) -> None:
    assert Client().get(f"/jitsi/keys/{name}").status_code == 404


@pytest.mark.parametrize("store", ["keys", "control-keys"])
def test_list_of_keys_is_cached_for_less_than_a_successor_waits(
    db: None, store: str, django_assert_num_queries
) -> None:
    keys.keep_fresh(NOW)
    with time_machine.travel(NOW, tick=False), django_assert_num_queries(1):
        response = Client().get(f"/jitsi/{store}/jwks.json")
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "public, max-age=900"
    assert timedelta(seconds=900) * 2 < keys.PUBLISHED_BEFORE
    [key] = json.loads(response.content)["keys"]
    assert {name: key[name] for name in ("kty", "use", "alg", "e")} == {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "e": "AQAB",
    }
    assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}, "nothing of the private half"


def test_list_that_did_not_change_is_not_sent_again(db: None) -> None:
    keys.keep_fresh(NOW)
    with time_machine.travel(NOW, tick=False):
        first = Client().get("/jitsi/keys/jwks.json")
        again = Client().get("/jitsi/keys/jwks.json", headers={"if-none-match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        keys.rotate(Purpose.LOGIN, now=NOW)
        assert Client().get("/jitsi/keys/jwks.json", headers={"if-none-match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("path", ["/jitsi/keys/jwks.json", f"/jitsi/keys/{'a' * 64}.pem"])
def test_keys_are_for_everybody_and_leave_no_cookie(db: None, path: str) -> None:
    client = Client()
    for method in ("get", "head"):
        response = getattr(client, method)(path)
        assert response.status_code in {200, 404}
        assert not response.cookies
    assert client.post(path).status_code == 405


def test_list_is_empty_before_there_are_keys(db: None) -> None:
    assert Client().get("/jitsi/keys/jwks.json").json() == {"keys": []}


@pytest.mark.parametrize("path", ["/jitsi/keys/jwks.json", f"/jitsi/control-keys/{'a' * 64}.pem"])
def test_while_the_database_is_away_servers_are_asked_to_come_again(db: None, path: str) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the connection is lost")

    with connection.execute_wrapper(away):
        response = Client().get(path)
    assert (response.status_code, response.content) == (503, b"the database does not answer\n")
    assert "max-age" not in response.headers.get("Cache-Control", "")


# --- By command -----------------------------------------------------------------------------------------------------
def _command(*args: str, at: datetime = NOW) -> list[str]:
    written = StringIO()
    with time_machine.travel(at, tick=False):
        call_command("jitsi_keys", *args, stdout=written)
    return written.getvalue().splitlines()


def test_command_lists_rotates_and_withdraws(db: None) -> None:
    assert _command() == []
    keys.keep_fresh(NOW)
    control, login = (row.kid for row, _state in keys.states(now=NOW))
    assert _command(at=NOW + 3 * DAY) == [
        f"control  {control}     3 days  signs",
        f"login    {login}     3 days  signs",
    ]
    lines = _command("--rotate", at=NOW + 3 * DAY)
    assert [line.split("  ")[-1] for line in lines] == ["coming: published, signs within the hour", "signs"] * 2
    lines = _command("--withdraw", login, at=NOW + 4 * DAY)
    assert lines[0] == "Restart Prosody now: it keeps a key that it has read for as long as it runs."
    assert f"login    {login}     4 days  withdrawn" in lines


def test_command_knows_no_other_key(db: None) -> None:
    with pytest.raises(CommandError, match="There is no key abc"):
        _command("--withdraw", "abc")
