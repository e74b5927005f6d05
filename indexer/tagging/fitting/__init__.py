"""Fitting a taxonomy to a model: labelled examples in, calibrated label scores out."""
