"""The losses that tie pictures and texts, and those that keep what the teachers knew."""

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

# Weight of labels as queries for pictures, against pictures asking for their label.
_LABELS_ASK = 0.5
# Tokens at which texts are put together with longer ones.
_LENGTHS = (5, 6, 7, 8, 10, 12, 16, 22, CONTEXT)


def encode_sorted(tower: TextTransformer, tokens: Tensor) -> Tensor:
    """Unit vectors in the order of the texts; like lengths go together to save padding."""
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
    """A part of a token embedding, as a module in its place."""

    def __init__(self, table: Tensor, places: Tensor) -> None:
        super().__init__()
        self._table, self._places = table, places

    def forward(self, tokens: Tensor) -> Tensor:
        return functional.embedding(self._places[tokens], self._table)


@contextmanager
def _looked_up_once(tower: TextTransformer, tokens: Tensor) -> Iterator[None]:
    """Take token embeddings from the table once: each time costs a gradient of the whole table."""
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
    """Cross-entropy of each query over all answers, its positives sharing the target equally.

    Args:
        queries: `[q, dim]` unit rows.
        answers: `[a, dim]` unit rows.
        truth: `[q, a]`; 1 for positives. Queries without any are left out.
        scale: The multiplier of cosines.
    """
    logs = (scale * queries @ answers.T).log_softmax(1)
    asked = truth.sum(1) > 0
    return -(_shares(truth) * logs).sum(1)[asked].mean()


def _shares(truth: Tensor) -> Tensor:
    return truth / truth.sum(1, keepdim=True).clamp(min=1)


def anchor_loss(pictures: Tensor, labels: Tensor, anchors: Anchors, scale: Tensor) -> Tensor:
    """Cross-entropy over a closed list of labels."""
    truth = torch.from_numpy(anchors.truth)
    logits = scale * pictures @ labels.T
    return anchors.weight * functional.cross_entropy(logits, truth, ignore_index=-1)


def portion_loss(
    portion: Portion, pictures: Tensor, texts: Tensor, scale: Tensor, queue: Queue | None = None
) -> Tensor:
    """Contrast and anchors of one portion; `texts` holds its texts and then its anchors'.

    With a queue, its pictures and texts are further wrong (or right) answers.
    """
    count = len(portion.texts)
    truth = torch.from_numpy(portion.truth)
    seen, said, seen_truth, said_truth = pictures, texts[:count], truth, truth.T
    if queue is not None and queue.captions:
        seen = torch.cat([pictures, queue.pictures])
        said = torch.cat([said, queue.texts])
        past_seen = torch.from_numpy(queue.codes.truth(portion.captions, queue.rows))
        past_said = torch.from_numpy(queue.codes.truth(queue.captions, portion.rows))
        seen_truth = torch.cat([truth, past_seen], 1)
        said_truth = torch.cat([truth.T, past_said.T], 1)
    loss = contrast(texts[:count], seen, seen_truth, scale)
    loss = 0.5 * (loss + contrast(pictures, said, said_truth, scale))
    start = count
    for place, anchors in enumerate(portion.anchors):
        labels = texts[start : start + len(anchors.texts)]
        loss = loss + anchor_loss(pictures, labels, anchors, scale)
        right = anchors.truth if queue is None else queue.known(place, anchors.truth)
        truth = torch.from_numpy(right == np.arange(len(labels))[:, None]).float()
        loss = loss + _LABELS_ASK * anchors.weight * contrast(labels, seen, truth, scale)
        start += len(anchors.texts)
    if queue is not None:
        queue.push(portion, pictures.detach(), texts[:count].detach())
    return loss


class Queue:
    """Vectors of the last steps as further answers (Wang et al. 2020, "Cross-batch memory").

    Attributes:
        codes: Says which caption is true of which row.
        rows: Row numbers, oldest first.
        captions: One a row.
        pictures: `[n, dim]`.
        texts: `[n, dim]`.
        labels: `[label lists, n]`, which label of each list is right; -1 where it isn't known.
    """

    def __init__(self, codes: Codes, size: int, dim: int) -> None:
        self.codes = codes
        self._size = size
        self.rows = np.empty(0, dtype=np.int64)
        self.captions: list[Caption] = []
        self.pictures = torch.empty(0, dim)
        self.texts = torch.empty(0, dim)
        self.labels: NDArray[np.int64] | None = None

    def known(self, place: int, own: NDArray[np.int64]) -> NDArray[np.int64]:
        """The right labels of one list: a step's own, and then those of the queue."""
        return own if self.labels is None else np.concatenate([own, self.labels[place]])

    def push(self, portion: Portion, pictures: Tensor, texts: Tensor) -> None:
        """Add a step's vectors; the oldest go."""
        truths = np.stack([anchors.truth for anchors in portion.anchors])
        if self.labels is not None:
            truths = np.concatenate([self.labels, truths], axis=1)
        self.labels = truths[:, -self._size :]
        self.rows = np.concatenate([self.rows, portion.rows])[-self._size :]
        self.captions = [*self.captions, *portion.captions][-self._size :]
        self.pictures = torch.cat([self.pictures, pictures])[-self._size :]
        self.texts = torch.cat([self.texts, texts])[-self._size :]

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "rows": torch.from_numpy(self.rows),
            "labels": None if self.labels is None else torch.from_numpy(self.labels.copy()),
            "captions": [(caption.text, caption.claims) for caption in self.captions],
            "pictures": self.pictures,
            "texts": self.texts,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint."""
        self.rows = state["rows"].numpy()
        self.labels = None if state["labels"] is None else state["labels"].numpy()
        self.captions = [Caption(text, claims) for text, claims in state["captions"]]
        self.pictures, self.texts = state["pictures"], state["texts"]
