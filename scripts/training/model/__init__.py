"""The model being trained: towers, teachers and export."""
