"""How the web server is started: by `make run`, and by the benchmarks that measure it."""

from __future__ import annotations

WORKERS, THREADS = 2, 4


def web_server(python: str, *, bind: str, application: str = "config.wsgi") -> list[str]:
    """Return the command. `bind`: an address as gunicorn takes it, such as `127.0.0.1:8000` or `fd://3`.

    `application`: the module of another program, to compare with.
    """
    return [
        *(python, "-m", "gunicorn", application, "--bind", bind, "--no-control-socket"),
        *("--worker-class", "config.even_worker.EvenThreadWorker"),
        *("--workers", str(WORKERS), "--threads", str(THREADS)),
        *("--graceful-timeout", "5"),
    ]
