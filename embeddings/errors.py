"""The error tree of Lookalike: every error that core code raises on purpose.

    LookalikeError
    ├── ImageError
    │   ├── PictureRefusedError     may not be fit to show
    │   ├── UnsupportedImageError   not an image of an allowed format
    │   ├── BrokenImageError        damaged or cut short
    │   └── ImageTooLargeError      more bytes or pixels than allowed
    │       └── BufferedImageError  a large JPEG that needs memory for all its pixels
    └── ModelError
        ├── UnknownModelError       not a valid model name
        ├── ModelUnavailableError   the files can't be fetched or found
        ├── UnsafeWeightsError      weights that are not safetensors
        ├── BrokenModelError        damaged, or not the architecture its config says
        └── VisionUnavailableError  what looks into images needs a package that is missing

`indexer.errors` adds the branches for catalogs and indexes. Each class carries a stable `code` that
the command line and the HTTP API show; the message says what is wrong and what to do next.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BrokenImageError",
    "BrokenModelError",
    "BufferedImageError",
    "ImageError",
    "ImageTooLargeError",
    "LookalikeError",
    "ModelError",
    "ModelUnavailableError",
    "PictureRefusedError",
    "UnknownModelError",
    "UnsafeWeightsError",
    "UnsupportedImageError",
    "VisionUnavailableError",
]


class LookalikeError(Exception):
    """Root of every error that Lookalike raises on purpose."""

    code: ClassVar[str] = "error"

    @property
    def message(self) -> str:
        """The sentence for a person: what is wrong, and what to do next."""
        return str(self)


class ImageError(LookalikeError):
    """An image that can't be used."""

    code = "bad_image"


class UnsupportedImageError(ImageError):
    """The bytes are not an image of an allowed format (or are empty)."""

    code = "unsupported_image"


class BrokenImageError(ImageError):
    """The image is damaged or cut short; filler pixels are never used in its place."""

    code = "broken_image"


class ImageTooLargeError(ImageError):
    """The image has more bytes or declares more pixels than the limits allow."""

    code = "image_too_large"


class PictureRefusedError(ImageError):
    """The image may not be fit to show, and such images are refused."""

    code = "picture_refused"


class BufferedImageError(ImageTooLargeError):
    """A large JPEG in several scans (progressive): decoding needs memory for all its pixels."""


class ModelError(LookalikeError):
    """A model that can't be used."""

    code = "model_error"


class UnknownModelError(ModelError):
    """The name has none of the forms that `embeddings.models` parses."""

    code = "unknown_model"


class ModelUnavailableError(ModelError):
    """The model's files can't be fetched or are not in their folder."""

    code = "model_unavailable"


class UnsafeWeightsError(ModelError):
    """The weights are not safetensors; nothing is ever unpickled."""

    code = "unsafe_weights"


class BrokenModelError(ModelError):
    """The model's files are damaged or don't fit together."""

    code = "broken_model"


class VisionUnavailableError(ModelError):
    """A package that `embeddings.vision` needs is not installed."""

    code = "vision_not_installed"
