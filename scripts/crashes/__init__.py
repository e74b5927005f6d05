"""Killing index writers at any moment, and seeing what is left: see `scripts/crash_test.py`."""
