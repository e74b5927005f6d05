"""CLIP models run by torch and open_clip; the only folder that imports them."""
