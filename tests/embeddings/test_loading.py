"""`load_encoder`: the runtime is imported for valid names only."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from embeddings import FakeEncoder, UnknownModelError, load_encoder


def test_an_invalid_name_is_refused_before_the_runtime_loads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "embeddings.clip", None)  # importing it would raise
    with pytest.raises(UnknownModelError, match="'compat' is not a model name"):
        load_encoder("compat")


def test_a_valid_name_goes_to_the_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, calls = FakeEncoder(), []
    runtime = ModuleType("embeddings.clip")
    runtime.load_encoder = lambda name, **options: calls.append((name, options)) or encoder
    monkeypatch.setitem(sys.modules, "embeddings.clip", runtime)
    assert load_encoder("compact", device="cpu", precision="fp32") is encoder
    assert calls == [("compact", {"device": "cpu", "precision": "fp32"})]
