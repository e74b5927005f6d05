"""The HTTP service: application, server and settings."""
