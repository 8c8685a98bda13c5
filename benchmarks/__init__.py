"""Measures what Narada costs on an office of 100 rooms with a long past: `make bench` (docs/benchmarks.md)."""
