"""Shared helpers of the scripts."""
