"""Evaluation of the confidence calibration."""
