"""Processes that decode or encode on request, so that what is compared runs in turns."""
