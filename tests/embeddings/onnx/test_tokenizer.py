"""Tokenizers: the ids of open_clip's, without torch."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import open_clip
import pytest
from hypothesis import given
from hypothesis import strategies as st
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer, get_clean_fn
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from embeddings import BrokenModelError
from embeddings.onnx import PROBE_TEXTS, ModelFolder, TokenizerConfig, make_tokenizer
from embeddings.onnx.tokenizer import CLEANERS, ClipTokenizer, HubTokenizer
from search_api.demo import draw_catalog

AWKWARD = [
    *PROBE_TEXTS,
    "",
    "   ",
    "Crème brûlée — «Größe» 42",
    "ÃƒÂ© mojibake &amp;amp; entities &lt;b&gt;",
    "👩‍👩‍👧 family 🧥 coat",
    "红色连衣裙 赤いドレス 빨간 드레스",
    "فستان أحمر שמלה אדומה",
    "it's the women's DON'T i'LL",
    "A" * 800,
    "tab\tnew\nline\u00a0nbsp\u200b zero",
    "½ ² ₁₂ Ⅷ ٣",
    "a_b-c/d@e.f #1!!!???",
    "\u0130stanbul \ufb01ne \uff26\uff35\uff2c\uff2c",
]


@pytest.mark.parametrize("context", [16, 32, 77])
def test_ids_are_those_of_open_clip(context: int) -> None:
    rng = random.Random(5)
    titles = [product.title for product in draw_catalog(400, seed=3)]
    noise = ["".join(chr(rng.randrange(32, 0xD7FF)) for _ in range(12)) for _ in range(200)]
    texts = [*AWKWARD, *titles, *noise]
    theirs = SimpleTokenizer(context_length=context)(texts).numpy()
    np.testing.assert_array_equal(ClipTokenizer(context)(texts), theirs)


@pytest.mark.parametrize("clean", ["lower", "whitespace", "canonicalize"])
def test_cleaning_is_that_of_open_clip(clean: str) -> None:
    theirs = SimpleTokenizer(context_length=32, clean=clean)(AWKWARD).numpy()
    np.testing.assert_array_equal(ClipTokenizer(32, clean)(AWKWARD), theirs)


def test_a_special_token_in_a_text_is_a_text() -> None:
    tokens = ClipTokenizer(16)(["red <end_of_text> dress"])
    start, end = 49406, 49407
    assert (tokens == end).sum() == 1
    assert tokens[0, 0] == start
    assert tokens[0, tokens[0].argmax() - 1] == open_clip.tokenize(["dress"])[0, 1]


@pytest.fixture
def hub_tokenizer(tmp_path: Path) -> Path:
    """A folder with a small tokenizer in the hub's format."""
    words = ["[PAD]", "[UNK]", "[SEP]", "red", "dress", "a", "shoes"]
    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, "[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="$A [SEP]", special_tokens=[("[SEP]", 2)]
    )
    hub = PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", sep_token="[SEP]"
    )
    hub.save_pretrained(tmp_path / "hub")
    return tmp_path / "hub"


@pytest.mark.parametrize("strip", [False, True])
def test_a_tokenizer_of_the_hub_gives_the_same_ids(hub_tokenizer: Path, strip: bool) -> None:
    theirs = HFTokenizer(str(hub_tokenizer), 5, strip_sep_token=strip)
    texts = ["A red DRESS", "", "shoes " * 20, "unknown word"]
    config = TokenizerConfig("hub", 5, "whitespace", 0, "tokenizer.json", 2 if strip else None)
    ours = HubTokenizer(hub_tokenizer / "tokenizer.json", config)
    np.testing.assert_array_equal(ours(texts), theirs(texts).numpy())


def test_a_damaged_tokenizer_file_is_named(hub_tokenizer: Path) -> None:
    file = hub_tokenizer / "tokenizer.json"
    file.write_text(file.read_text()[:50])
    with pytest.raises(BrokenModelError, match=r"tokenizer\.json is not a tokenizer"):
        HubTokenizer(file, TokenizerConfig("hub", 5, "whitespace", 0, "tokenizer.json"))


def test_an_unknown_kind_of_tokenizer_is_refused(exported_model: Path) -> None:
    read = ModelFolder.read(exported_model)
    object.__setattr__(read, "tokenizer", TokenizerConfig("later", 5))
    with pytest.raises(BrokenModelError, match="unknown kind"):
        make_tokenizer(read)


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_texts_that_are_not_repaired_need_no_repair(text: str) -> None:
    for name, clean in CLEANERS.items():
        assert clean(text) == get_clean_fn(name)(text)
