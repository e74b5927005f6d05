"""Start-up: whole commands, a server until it is ready, and an installation from a clone."""
