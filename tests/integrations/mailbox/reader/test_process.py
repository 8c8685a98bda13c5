"""The process that reads mails: bounded, replaced when it fails, and the next mail is read all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.mailbox.facts import What
from integrations.mailbox.reader import Reader, Unreadable, read_mail
from tests.integrations.mailbox.reader.mails import OWN, SERVER, calendar_mail, corpus, event, timed
from tests.integrations.mailbox.reader.mails import mail as letter

ROOT = Path(__file__).resolve().parents[4]
LETTER = letter("Będę o 10.").encode()


@pytest.fixture
def reader() -> Iterator[Reader]:
    with Reader(own_addresses=OWN, auth_server=SERVER) as found:
        yield found


def pid_of(reader: Reader) -> int:
    assert reader._child is not None
    return reader._child.pid


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.stem)
def test_reader_reads_what_read_mail_reads(shared: Reader, path: Path) -> None:
    raw = path.read_bytes()
    assert shared.read(raw) == read_mail(raw, own_addresses=OWN, auth_server=SERVER)


@pytest.fixture(scope="module")
def shared() -> Iterator[Reader]:
    with Reader(own_addresses=OWN, auth_server=SERVER) as found:
        yield found


def test_reader_keeps_its_process_and_ends_it(reader: Reader) -> None:
    with timed("first mail, with the start of the process"):
        assert reader.read(LETTER).text == "Będę o 10."
    first = pid_of(reader)
    raw = calendar_mail(event("SUMMARY:a", method="REPLY"), method="REPLY").encode()
    with timed("200 replies"):
        for _ in range(200):
            assert reader.read(raw).what == What.REPLY
    assert pid_of(reader) == first
    reader.close()
    assert not is_running(first)
    assert reader.read(LETTER).what == What.TEXT, "a closed one starts again"


def test_reader_knows_its_own_addresses_from_the_call(reader: Reader) -> None:
    assert reader.read(LETTER, own_addresses={"jan@gmina.example"}).what == What.LOOP
    assert reader.read(LETTER).what == What.TEXT


def test_process_is_replaced_after_some_mails() -> None:
    with Reader(mails_per_process=2) as reader:
        seen = []
        for _ in range(4):
            reader.read(LETTER)
            seen.append(reader._child)
        assert [child is None for child in seen] == [False, True, False, True]


def test_unreadable_in_the_process_keeps_its_reason(reader: Reader) -> None:
    with pytest.raises(Unreadable) as caught:
        reader.read(b"\x00")
    assert caught.value.reason == "the mail is empty"
    first = pid_of(reader)
    assert reader.read(LETTER).what == What.TEXT
    assert pid_of(reader) == first, "nothing broke"


def test_mail_bigger_than_any_is_not_handed_over(reader: Reader) -> None:
    with pytest.raises(Unreadable, match="bigger than 50 MB"):
        reader.read(b"a" * 50_000_001)
    assert reader._child is None


def test_processor_time_is_bounded_and_the_next_mail_is_read() -> None:
    with Reader(cpu_seconds=0.002) as reader:
        with timed("ended by its processor time"), pytest.raises(Unreadable) as caught:
            reader.read(b"Subject: a\n" * 4_000_000 + b"\na")
        assert caught.value.reason == "it takes longer than 0.002 seconds of processor time"
        reader._cpu_seconds = 10
        assert reader.read(LETTER).text == "Będę o 10."


def test_memory_is_bounded_and_the_next_mail_is_read() -> None:
    with Reader(memory=50 * 1024 * 1024) as reader:
        assert reader.read(LETTER).what == What.TEXT
        with timed("ended by its memory"), pytest.raises(Unreadable) as caught:
            reader.read(letter("a" * 49_000_000).encode())
        assert caught.value.reason == "it needs more memory than one mail may"
        assert reader.read(LETTER).what == What.TEXT


def test_wall_clock_is_bounded_and_the_next_mail_is_read(reader: Reader) -> None:
    reader.read(LETTER)
    reader._wait_seconds = 0.3
    stopped = pid_of(reader)
    os.kill(stopped, signal.SIGSTOP)
    with timed("ended by the clock"), pytest.raises(Unreadable) as caught:
        reader.read(LETTER)
    assert caught.value.reason == "it could not be read within 0.3 seconds"
    assert not is_running(stopped)
    reader._wait_seconds = 30
    assert reader.read(LETTER).what == What.TEXT


def test_process_that_was_killed_is_replaced(reader: Reader) -> None:
    reader.read(LETTER)
    os.kill(pid_of(reader), signal.SIGKILL)
    time.sleep(0.1)
    assert reader.read(LETTER).what == What.TEXT


def kill_soon(reader: Reader) -> None:
    """Stop the process, so that it is at its next mail for sure, and kill it."""
    victim = pid_of(reader)
    os.kill(victim, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (victim, signal.SIGKILL)).start()


def test_mail_whose_process_was_killed_is_read_by_the_next(reader: Reader) -> None:
    """Whoever ended it, such as a system short of memory, may not have meant this mail."""
    reader.read(LETTER)
    first = pid_of(reader)
    kill_soon(reader)
    assert reader.read(LETTER).text == "Będę o 10."
    assert pid_of(reader) != first


def test_mail_that_ends_two_processes_is_unreadable() -> None:
    class Doomed(Reader):
        def _running(self) -> subprocess.Popen[bytes]:
            child = super()._running()
            if self.is_doomed:
                kill_soon(self)
            return child

        is_doomed = True

    with Doomed() as reader:
        with pytest.raises(Unreadable, match="the system ended the process that read it, twice"):
            reader.read(LETTER)
        reader.is_doomed = False
        assert reader.read(LETTER).what == What.TEXT


def test_threads_share_a_reader(reader: Reader) -> None:
    """Each gets the answer to its own mail, also while others' mails break the process."""
    wrong: list[str] = []

    def ask(number: int) -> None:
        for turn in range(20):
            words = f"{number} {turn}"
            try:
                found = reader.read(letter(words).encode()).text if turn % 7 else reader.read(b"").text
            except Unreadable as unreadable:
                found = words if unreadable.reason == "the mail is empty" else unreadable.reason
            if found != words:
                wrong.append(f"{found} instead of {words}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_fault_of_the_reader_is_said_and_ends_nothing(reader: Reader, tmp_path: Path) -> None:
    """A process whose `read_mail` raises what nobody foresaw, by a module of that name that stands in the way."""
    script = (
        "import integrations.mailbox.reader.child as child\n"
        "def read_mail(raw, **asked):\n    raise KeyError('unforeseen')\n"
        "child.read_mail = read_mail\n"
        "print(child._answer(b'', {'own_addresses': [], 'auth_server': ''}))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "b'-reading it failed with KeyError'"


def test_process_ends_with_its_parent(tmp_path: Path) -> None:
    script = (
        "from integrations.mailbox.reader import Reader\n"
        "reader = Reader()\nreader.read(b'Subject: a\\n\\nb')\nprint(reader._child.pid, flush=True)\n"
        "import os; os._exit(0)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    pid = int(run.stdout)
    for _ in range(50):
        if not is_running(pid):
            return
        time.sleep(0.1)
    raise AssertionError("the process outlived its parent")


def test_process_knows_neither_django_nor_secrets() -> None:
    script = (
        "import sys, integrations.mailbox.reader, integrations.mailbox.reader.child\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'django', 'celery', 'psycopg'}])\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    os.environ["NARADA_TEST_SECRET"] = "abc"
    try:
        with Reader() as reader:
            reader.read(LETTER)
            assert b"NARADA_TEST_SECRET" not in Path(f"/proc/{pid_of(reader)}/environ").read_bytes()
    finally:
        del os.environ["NARADA_TEST_SECRET"]


def test_fork_starts_a_process_of_its_own(reader: Reader) -> None:
    """As Celery's workers are forks: two of them on one pair of pipes would read each other's mails."""
    reader.read(LETTER)
    theirs, ours = os.pipe()
    child = os.fork()
    if not child:
        try:
            reader.read(LETTER)
            os.write(ours, f"{pid_of(reader)}".encode())
            reader.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(theirs, 20)) != pid_of(reader)
    assert reader.read(LETTER).what == What.TEXT, "the one of the parent goes on"


def test_mail_that_was_interrupted_answers_no_other_one(reader: Reader) -> None:
    reader.read(LETTER)
    os.kill(pid_of(reader), signal.SIGSTOP)
    # A shell that starts the tests in the background has them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            reader.read(letter("the first").encode())
    finally:
        signal.signal(signal.SIGINT, before)
    assert reader.read(letter("the second").encode()).text == "the second"
