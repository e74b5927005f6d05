"""Model names and the table of recommended models."""

from __future__ import annotations

import pytest

from embeddings import MODELS, parse_model_name, stronger_than
from embeddings.errors import UnknownModelError
from embeddings.models import ModelSource, find_spec


@pytest.mark.parametrize(
    ("name", "source", "rest"),
    [
        ("compact", ModelSource.BUNDLED, "compact"),
        ("ViT-B-32/laion2b_s34b_b79k", ModelSource.OPEN_CLIP, "ViT-B-32/laion2b_s34b_b79k"),
        ("hf-hub:Marqo/marqo-fashionSigLIP", ModelSource.HUB, "Marqo/marqo-fashionSigLIP"),
        ("local-dir:models/mine", ModelSource.FOLDER, "models/mine"),
        ("local-dir:/abs/mine", ModelSource.FOLDER, "/abs/mine"),
    ],
)
def test_every_form_of_name(name: str, source: ModelSource, rest: str) -> None:
    parsed = parse_model_name(name)
    assert (parsed.source, parsed.rest) == (source, rest)


@pytest.mark.parametrize(
    "name", ["", "compat", "ViT-B-32", "a/b/c", "/x", "x/", "hf-hub:", "hf-hub:alone", "local-dir:"]
)
def test_other_names_are_refused_with_the_forms(name: str) -> None:
    with pytest.raises(UnknownModelError, match=r"'compact'.*ARCHITECTURE/PRETRAINED"):
        parse_model_name(name)


def test_the_table_names_models_that_parse_and_are_unique() -> None:
    assert len({spec.name for spec in MODELS}) == len(MODELS)
    for spec in MODELS:
        assert parse_model_name(spec.name).source is spec.source
        assert (spec.download_mb == 0) == (spec.source is ModelSource.BUNDLED)


def test_only_compact_has_a_stronger_one_to_suggest() -> None:
    stronger = stronger_than("compact")
    assert stronger is not None
    assert find_spec(stronger.name) is stronger
    assert stronger_than(stronger.name) is None
