"""The training loop of `compact` on a few rows: resumption, and what may move."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.training.data.batches import Sampler
from scripts.training.data.drawn import TRAIN_DRAWINGS
from scripts.training.model.class_names import ClassNames
from scripts.training.model.text_tower import Corpus, new_text_tower, tokenize
from scripts.training.model.towers import Towers
from scripts.training.model.views import LOW, MAPS, View
from scripts.training.model.vision import FEATURES, new_trunk
from scripts.training.optimisation.training import Plan, Trainer, train

PLAN = Plan(
    4,
    fashion=8,
    grocery=4,
    clothing=4,
    drawings=4,
    names=3,
    queue=12,
    replay=6,
    refresh=2,
    checkpoint=2,
)


def random_view(count, seed):
    rng = np.random.default_rng(seed)
    return View(
        rng.integers(0, 256, (count, *MAPS), dtype=np.uint8),
        rng.normal(size=(count, LOW)).astype(np.float16),
        rng.uniform(0, 1, (count, FEATURES)).astype(np.float16),
    )


@pytest.fixture
def make_trainer(sets, drawings):
    counts = {name: len(rows) for name, rows in sets.items()} | {TRAIN_DRAWINGS: 8}
    views = {name: [random_view(count, v) for v in range(2)] for name, count in counts.items()}
    names = ClassNames([["tench", "Tinca tinca"], ["hen"], ["mug", "coffee mug"]] + [["x"]] * 997)
    tokens = tokenize([f"text number {row}" for row in range(16)])
    targets = torch.nn.functional.normalize(torch.randn(16, 256), dim=1)

    def make():
        towers = Towers(new_trunk(0), new_text_tower(0))
        return Trainer(
            towers, Sampler(sets, drawings, 0), views, names, Corpus(tokens, targets), PLAN
        )

    return make


def test_a_resumed_training_is_an_unbroken_one(make_trainer, tmp_path, monkeypatch):
    whole = make_trainer()
    train(whole, tmp_path / "whole.pt")
    broken = make_trainer()
    step = broken.step

    def fail_at_three():
        if broken.step_number == 2:
            raise KeyboardInterrupt
        return step()

    monkeypatch.setattr(broken, "step", fail_at_three)
    with pytest.raises(KeyboardInterrupt):
        train(broken, tmp_path / "broken.pt")
    resumed = make_trainer()
    train(resumed, tmp_path / "broken.pt")
    ours, theirs = whole.finish().state_dict(), resumed.finish().state_dict()
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, atol=1e-6, rtol=1e-5)


def test_training_moves_what_it_may_and_nothing_else(make_trainer):
    trainer = make_trainer()
    before = {name: value.clone() for name, value in trainer.towers.state_dict().items()}
    for _ in range(2):
        trainer.step()
    moved = {
        name
        for name, value in trainer.towers.state_dict().items()
        if not torch.equal(value, before[name])
    }
    frozen = ("trunk.blocks.", "trunk.conv_", "trunk.bn", "trunk.classes.")
    assert not [name for name in moved if name.startswith(frozen)]
    assert {"trunk.retail.0.weight", "trunk.to_vector.weight", "trunk.trust.weight"} <= moved
    assert "text.token_embedding.weight" in moved
