"""Drives the whole path, as the people on it would: one journey for `make smoke` and for the tests."""
