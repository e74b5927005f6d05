"""The training loop: losses, stages and steps."""
