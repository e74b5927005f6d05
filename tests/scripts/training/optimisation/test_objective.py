"""Losses of the training, and the queue of past steps."""

from __future__ import annotations

import numpy as np
import torch

from scripts.training.data.batches import Sampler
from scripts.training.data.catalogs import FASHION
from scripts.training.model.text_tower import encode, tokenize
from scripts.training.optimisation.objective import Queue, contrast, encode_sorted


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
