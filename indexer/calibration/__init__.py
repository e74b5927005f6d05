"""Confidence calibration: cosine scores in, probabilities out."""
