"""How `compact` is made: one module a step, run in order by `scripts/train_compact.py`."""
