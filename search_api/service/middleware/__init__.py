"""ASGI middleware: keys, rate limits, admission control, logs and metrics."""
