"""How the `compact` model is made: one module per step, run in order by `scripts/train_compact.py`."""
