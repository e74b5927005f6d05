"""Towers of `compact` in training: image branch, text tower, views, export."""
