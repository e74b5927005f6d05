"""Losses between images and texts, with a queue of past steps as negatives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.transformer import TextTransformer
from torch import Tensor, nn
from torch.nn import functional

from scripts.training.data.batches import Anchors, Codes, Portion
from scripts.training.data.captions import Caption
from scripts.training.model.text_tower import CONTEXT, encode

__all__ = [
    "Queue",
    "anchor_loss",
    "contrast",
    "encode_sorted",
    "portion_loss",
]

# Weight of labels as queries for images, against images as queries for their label.
_LABEL_QUERIES = 0.5
# Numbers of tokens at which groups of texts of similar length end.
_LENGTHS = (5, 6, 7, 8, 10, 12, 16, 22, CONTEXT)


def encode_sorted(tower: TextTransformer, tokens: Tensor) -> Tensor:
    """Return unit vectors in the order of the texts; similar lengths share a batch."""
    lengths = (tokens != 0).sum(1)
    vectors = torch.empty(len(tokens), tower.output_dim)
    chunks, places = [], []
    least = 0
    with _looked_up_once(tower, tokens):
        for most in _LENGTHS:
            (place,) = torch.where((lengths > least) & (lengths <= most))
            if len(place):
                places.append(place)
                chunks.append(encode(tower, tokens[place]))
            least = most
    return vectors.index_copy(0, torch.cat(places), torch.cat(chunks))


class _Lookup(nn.Module):
    """A part of a token embedding, as a module that replaces it."""

    def __init__(self, table: Tensor, places: Tensor) -> None:
        super().__init__()
        self._table, self._places = table, places

    def forward(self, tokens: Tensor) -> Tensor:
        return functional.embedding(self._places[tokens], self._table)


@contextmanager
def _looked_up_once(tower: TextTransformer, tokens: Tensor) -> Iterator[None]:
    """Look token embeddings up once: every lookup costs a gradient of the whole table."""
    embedding = tower.token_embedding
    used = torch.unique(tokens).long()
    places = torch.zeros(len(embedding.weight), dtype=torch.long)
    places[used] = torch.arange(len(used))
    tower.token_embedding = _Lookup(embedding(used), places)
    try:
        yield
    finally:
        tower.token_embedding = embedding


def contrast(queries: Tensor, answers: Tensor, truth: Tensor, scale: Tensor) -> Tensor:
    """Return the cross-entropy of each query over all answers; positives share the target.

    Args:
        queries: `[q, dim]` unit rows.
        answers: `[a, dim]` unit rows.
        truth: `[q, a]`; 1 for positives. Queries without any are left out.
        scale: The multiplier of cosines.
    """
    logs = (scale * queries @ answers.T).log_softmax(1)
    some = truth.sum(1) > 0
    return -(_shares(truth) * logs).sum(1)[some].mean()


def _shares(truth: Tensor) -> Tensor:
    return truth / truth.sum(1, keepdim=True).clamp(min=1)


def anchor_loss(images: Tensor, labels: Tensor, anchors: Anchors, scale: Tensor) -> Tensor:
    """Return the cross-entropy over a closed list of labels."""
    truth = torch.from_numpy(anchors.truth)
    logits = scale * images @ labels.T
    return anchors.weight * functional.cross_entropy(logits, truth, ignore_index=-1)


def portion_loss(
    portion: Portion, images: Tensor, texts: Tensor, scale: Tensor, queue: Queue | None = None
) -> Tensor:
    """Return the loss of one portion; `texts` holds its texts and then its anchors'.

    With a queue, its images and texts are further answers, most of them wrong.
    """
    count = len(portion.texts)
    truth = torch.from_numpy(portion.truth)
    answers, captions, truth_of_texts, truth_of_images = images, texts[:count], truth, truth.T
    if queue is not None and queue.captions:
        answers = torch.cat([images, queue.images])
        captions = torch.cat([captions, queue.texts])
        past_images = torch.from_numpy(queue.codes.truth(portion.captions, queue.rows))
        past_texts = torch.from_numpy(queue.codes.truth(queue.captions, portion.rows))
        truth_of_texts = torch.cat([truth, past_images], 1)
        truth_of_images = torch.cat([truth.T, past_texts.T], 1)
    loss = contrast(texts[:count], answers, truth_of_texts, scale)
    loss = 0.5 * (loss + contrast(images, captions, truth_of_images, scale))
    start = count
    for place, anchors in enumerate(portion.anchors):
        labels = texts[start : start + len(anchors.texts)]
        loss = loss + anchor_loss(images, labels, anchors, scale)
        right = anchors.truth if queue is None else queue.known(place, anchors.truth)
        truth = torch.from_numpy(right == np.arange(len(labels))[:, None]).float()
        loss = loss + _LABEL_QUERIES * anchors.weight * contrast(labels, answers, truth, scale)
        start += len(anchors.texts)
    if queue is not None:
        queue.push(portion, images.detach(), texts[:count].detach())
    return loss


class Queue:
    """Vectors of past steps as further answers (Wang et al. 2020, "Cross-batch memory").

    Attributes:
        codes: Know which caption is true of which row.
        rows: Row numbers, oldest first.
        captions: One a row.
        images: `[n, dim]`.
        texts: `[n, dim]`.
        labels: `[label lists, n]`, the right label of each list; -1 where it is unknown.
    """

    def __init__(self, codes: Codes, size: int, dim: int) -> None:
        self.codes = codes
        self._size = size
        self.rows = np.empty(0, dtype=np.int64)
        self.captions: list[Caption] = []
        self.images = torch.empty(0, dim)
        self.texts = torch.empty(0, dim)
        self.labels: NDArray[np.int64] | None = None

    def known(self, place: int, own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the right labels of one list: a step's own, then those of the queue."""
        return own if self.labels is None else np.concatenate([own, self.labels[place]])

    def push(self, portion: Portion, images: Tensor, texts: Tensor) -> None:
        """Add a step's vectors and drop the oldest."""
        truths = np.stack([anchors.truth for anchors in portion.anchors])
        if self.labels is not None:
            truths = np.concatenate([self.labels, truths], axis=1)
        self.labels = truths[:, -self._size :]
        self.rows = np.concatenate([self.rows, portion.rows])[-self._size :]
        self.captions = [*self.captions, *portion.captions][-self._size :]
        self.images = torch.cat([self.images, images])[-self._size :]
        self.texts = torch.cat([self.texts, texts])[-self._size :]

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""
        return {
            "rows": torch.from_numpy(self.rows),
            "labels": None if self.labels is None else torch.from_numpy(self.labels.copy()),
            "captions": [(caption.text, caption.claims) for caption in self.captions],
            "images": self.images,
            "texts": self.texts,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.rows = state["rows"].numpy()
        self.labels = None if state["labels"] is None else state["labels"].numpy()
        self.captions = [Caption(text, claims) for text, claims in state["captions"]]
        self.images, self.texts = state["images"], state["texts"]
