"""Programs that run in the peers' environments; nothing of Lookalike can be imported there."""
