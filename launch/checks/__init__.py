"""Checks of `make check` that are more than one command."""
