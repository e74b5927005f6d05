"""Crash test: index writers are killed at any moment, and what they leave is judged."""
