from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from embeddings import Preprocess, ResizeMode, UnsupportedImageError
from indexer.image_loading import (
    DecodePool,
    DecodeTask,
    ImageDetails,
    InThreadDecoder,
    open_decoder,
)

TASK = DecodeTask(Preprocess((8, 8), ResizeMode.SQUASH))


def png(colour: tuple[int, int, int]) -> bytes:
    out = BytesIO()
    Image.new("RGB", (400, 100), colour).save(out, "PNG")
    return out.getvalue()


def test_no_workers_decode_in_the_calling_thread() -> None:
    with open_decoder(TASK, batch_size=4, workers=0, timeout=1.0) as decoder:
        assert isinstance(decoder, InThreadDecoder)
        submitted = decoder.submit([png((1, 1, 1)), b"text", png((2, 2, 2))])
        assert submitted.ready.done()
        batch = submitted.result()
        assert (batch.pixels[0] == (1, 1, 1)).all()
        assert (batch.pixels[1] == (2, 2, 2)).all()
        assert len(batch.pixels) == 2
        assert isinstance(batch.outcomes[1], UnsupportedImageError)


@pytest.mark.parametrize("workers", [None, 1])
def test_processes_are_the_default(workers: int | None) -> None:
    with open_decoder(TASK, batch_size=4, workers=workers, timeout=1.0) as decoder:
        assert isinstance(decoder, DecodePool)


def test_both_decoders_give_the_same() -> None:
    files = [png((90, 10, 200)), png((9, 100, 20))]
    with open_decoder(TASK, batch_size=4, workers=1, timeout=60.0) as pool:
        batch = pool.submit(files).result()
        direct = InThreadDecoder(TASK).submit(files).result()
        assert batch.pixels.tolist() == direct.pixels.tolist()
        for ours, theirs in zip(batch.outcomes, direct.outcomes, strict=True):
            assert isinstance(ours, ImageDetails)
            assert isinstance(theirs, ImageDetails)
            assert ours.thumbnail == theirs.thumbnail
            assert ours.colours.tolist() == theirs.colours.tolist()
