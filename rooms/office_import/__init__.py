"""Reads an office from a folder of CSV files: everything that is wrong is reported at once, or everything is stored."""
