"""What `scripts/bench vision` runs: items, text, faces, moderation and anomalies in pictures."""
