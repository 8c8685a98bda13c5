"""Fills the database that DATABASE_URL names: `python -m benchmarks.build --holds 10000`."""

from __future__ import annotations

import argparse

import django


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--holds", type=int, required=True)
    arguments = parser.parse_args()
    django.setup()
    from benchmarks.office import build  # noqa: PLC0415  app ready

    build(holds=arguments.holds)


if __name__ == "__main__":
    main()
