"""Safe image decoding: bytes of untrusted pictures in, checked Pillow images out."""
