"""Fixtures of the image tests."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import ImageFile

from embeddings.images import decoding


@pytest.fixture
def decoder_inputs(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The files that are given to any decoder, in order."""
    inputs: list[bytes] = []

    def recorded(decoder: type[ImageFile.ImageFile]):
        def open_recorded(file: BytesIO) -> ImageFile.ImageFile:
            inputs.append(file.getvalue())
            return decoder(file)

        return open_recorded

    for name, decoder in decoding._DECODERS.items():
        monkeypatch.setitem(decoding._DECODERS, name, recorded(decoder))
    return inputs


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another library has told Pillow to fill in what is missing."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
