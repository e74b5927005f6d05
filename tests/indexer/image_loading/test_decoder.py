from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from embeddings import Preprocess, ResizeMode, UnsupportedImageError
from indexer.image_loading import DecodePool, DecodeTask, InThreadDecoder, open_decoder

TASK = DecodeTask(Preprocess((8, 8), ResizeMode.SQUASH))


def png(colour: tuple[int, int, int]) -> bytes:
    out = BytesIO()
    Image.new("RGB", (400, 100), colour).save(out, "PNG")
    return out.getvalue()


def test_no_workers_decode_in_the_calling_thread() -> None:
    with open_decoder(TASK, workers=0, timeout=1.0) as decoder:
        assert isinstance(decoder, InThreadDecoder)
        results = [decoder.submit(data) for data in (png((1, 1, 1)), b"text", png((2, 2, 2)))]
        assert (results[0]().pixels == (1, 1, 1)).all()
        with pytest.raises(UnsupportedImageError):
            results[1]()
        assert (results[2]().pixels == (2, 2, 2)).all()


@pytest.mark.parametrize("workers", [None, 1])
def test_processes_are_the_default(workers: int | None) -> None:
    with open_decoder(TASK, workers=workers, timeout=1.0) as decoder:
        assert isinstance(decoder, DecodePool)


def test_both_decoders_give_the_same() -> None:
    data = png((90, 10, 200))
    with open_decoder(TASK, workers=1, timeout=60.0) as pool:
        decoded = pool.submit(data)()
    direct = TASK(data)
    assert decoded.pixels.tolist() == direct.pixels.tolist()
    assert decoded.thumbnail == direct.thumbnail
    assert decoded.colours.tolist() == direct.colours.tolist()
