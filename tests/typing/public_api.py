"""Types of the public names, as users' code sees them: `scripts/check` runs mypy over this file.

Nothing here is executed. An `assert_type` fails the check when the type of a public name changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_type

import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray
from PIL import Image

from embeddings import Tag
from indexer.build import BuildReport
from indexer.index import Match, Product
from indexer.tagging.taxonomy import Taxonomy
from lookalike import (
    AsyncClient,
    BuildOptions,
    Client,
    Encoder,
    EncoderSpec,
    Engine,
    FakeEncoder,
    ImagePart,
    Index,
    LikePart,
    LookalikeError,
    Preprocess,
    Query,
    SearchResult,
    Settings,
    Tagger,
    TextPart,
    ZeroShotClassifier,
    build_index,
    create_app,
    load_encoder,
    open_image,
    read_taxonomy,
)
from search_api.client import Hit, IndexInfo, Item, ServiceError, TagResult
from search_api.client import SearchResult as ClientResult

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


class OwnEncoder:
    """The least that an encoder needs."""

    spec = EncoderSpec(name="own", fingerprint="own-1", dim=3)
    preprocess = Preprocess((8, 8))

    def encode_images(self, pixels: Pixels) -> Floats:
        raise NotImplementedError

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        raise NotImplementedError


def encoders(image: Image.Image) -> Encoder:
    encoder: Encoder = load_encoder("compact", device="cpu", precision="fp32")
    encoder = FakeEncoder()
    encoder = OwnEncoder()
    assert_type(encoder.spec.dim, int)
    assert_type(encoder.preprocess(image), Pixels)
    assert_type(encoder.encode_texts(["a mug"]), Floats)
    return encoder


def building(catalog: Path, folder: Path, encoder: Encoder) -> None:
    assert_type(build_index(catalog, folder, encoder), BuildReport)
    report = build_index(catalog, folder, encoder, BuildOptions(text_weight=0.0, max_bad=0.1))
    assert_type(report.products, int)
    assert_type(report.published, bool)


def searching(folder: Path, encoder: Encoder, image: Image.Image) -> None:
    index = Index.open(folder)
    assert_type(index, Index)
    engine = Engine(encoder, index)
    assert_type(Engine.open(folder, encoder), Engine)
    parts = (TextPart("mug"), ImagePart(image, weight=0.5), LikePart("mug-1", weight=-0.5))
    result = engine.search(Query(parts=parts, k=5, filter={"price": {"lt": 5}}))
    assert_type(result, SearchResult)
    assert_type(result.hits, tuple[Match, ...])
    assert_type(result.hits[0].id, str)
    assert_type(result.hits[0].score, float)
    assert_type(result.hits[0].confidence, float | None)
    assert_type(engine.product("mug-1"), Product)
    assert_type(index.thumbnail("mug-1", 0), bytes)


def tagging(encoder: Encoder, vectors: Floats, file: Path) -> None:
    taxonomy = read_taxonomy(file)
    assert_type(taxonomy, Taxonomy)
    assert_type(read_taxonomy("retail"), Taxonomy)
    assert_type(Tagger(encoder, taxonomy).tag(vectors, top=1), list[list[Tag]])
    classifier = ZeroShotClassifier(encoder, ["mug", "lamp"])
    assert_type(classifier.probabilities(vectors), Floats)
    assert_type(classifier.tag(vectors, 1), list[list[Tag]])


def images(data: bytes) -> None:
    assert_type(open_image(data), Image.Image)


def over_http(photo: Path) -> None:
    with Client("http://127.0.0.1:8000", api_key="key", timeout=5.0) as shop:
        result = shop.search(text="mug", image=photo, k=3, filter={"price": {"lt": 5}})
        assert_type(result, ClientResult)
        assert_type(result.hits, tuple[Hit, ...])
        assert_type(result.hits[0].id, str)
        assert_type(shop.search_batch([{"text": "mug"}]), tuple[ClientResult | ServiceError, ...])
        assert_type(shop.item("mug-1"), Item)
        assert_type(shop.item_image("mug-1", 0, size=64), bytes)
        assert_type(shop.tags(photo, ["mug", "lamp"]), TagResult)
        assert_type(shop.index(), IndexInfo)
        assert_type(shop.ready(), bool)


async def over_http_async(photo: Path) -> None:
    async with AsyncClient("http://127.0.0.1:8000") as shop:
        assert_type(await shop.search(image=photo), ClientResult)
        assert_type(await shop.similar("mug-1", k=3), ClientResult)
        assert_type(await shop.recommend(["mug-1"], disliked=["lamp-1"]), ClientResult)


def serving(engine: Engine) -> None:
    assert_type(create_app(engine, Settings(deadline_seconds=5)), FastAPI)


def errors(folder: Path) -> str:
    try:
        Index.open(folder)
    except LookalikeError as error:
        assert_type(error.code, str)
        return str(error)
    return ""
