"""The HTTP service, the web page and the `lookalike` command."""
