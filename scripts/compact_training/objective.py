"""The losses that tie pictures and texts, and those that keep what the teachers knew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from open_clip.transformer import TextTransformer
from torch import Tensor
from torch.nn import functional

from compact_training.batches import Anchors, Codes, Portion
from compact_training.captions import Caption
from compact_training.text_tower import encode, tokenize

__all__ = [
    "ClassMemory",
    "Queue",
    "anchor_loss",
    "contrast",
    "encode_sorted",
    "portion_loss",
]

# Of the ImageNet teacher's probabilities; 1.0 and 1.5 gave the same, 2.5 less.
_TEACHER_TEMPERATURE = 1.2


def encode_sorted(tower: TextTransformer, texts: Sequence[str], parts: int = 3) -> Tensor:
    """Unit vectors in the order of the texts; like lengths go together to save padding."""
    tokens = tokenize(texts)
    order = (tokens != 0).sum(1).argsort(stable=True)
    size = -(-len(order) // parts)
    chunks = [encode(tower, tokens[order[s : s + size]]) for s in range(0, len(order), size)]
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order))
    return torch.cat(chunks)[back]


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
    if queue is not None:
        queue.push(portion, pictures.detach(), texts[:count].detach())
    for anchors in portion.anchors:
        labels = texts[count : count + len(anchors.texts)]
        loss = loss + anchor_loss(pictures, labels, anchors, scale)
        count += len(anchors.texts)
    return loss


class Queue:
    """Vectors of the last steps as further answers (Wang et al. 2020, "Cross-batch memory").

    Attributes:
        codes: Says which caption is true of which row.
        rows: Row numbers, oldest first.
        captions: One a row.
        pictures: `[n, dim]`.
        texts: `[n, dim]`.
    """

    def __init__(self, codes: Codes, size: int, dim: int) -> None:
        self.codes = codes
        self._size = size
        self.rows = np.empty(0, dtype=np.int64)
        self.captions: list[Caption] = []
        self.pictures = torch.empty(0, dim)
        self.texts = torch.empty(0, dim)

    def push(self, portion: Portion, pictures: Tensor, texts: Tensor) -> None:
        """Add a step's vectors; the oldest go."""
        self.rows = np.concatenate([self.rows, portion.rows])[-self._size :]
        self.captions = [*self.captions, *portion.captions][-self._size :]
        self.pictures = torch.cat([self.pictures, pictures])[-self._size :]
        self.texts = torch.cat([self.texts, texts])[-self._size :]

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "rows": torch.from_numpy(self.rows),
            "captions": [(caption.text, caption.claims) for caption in self.captions],
            "pictures": self.pictures,
            "texts": self.texts,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint."""
        self.rows = state["rows"].numpy()
        self.captions = [Caption(text, claims) for text, claims in state["captions"]]
        self.pictures, self.texts = state["pictures"], state["texts"]


class ClassMemory:
    """The ImageNet teacher's knowledge, without ImageNet's pictures.

    Features of our own pictures are mixed and moved along the classifier's rows; what the teacher
    says to them, over all classes, is what the student is to say with the class names as labels.
    """

    def __init__(self, weight: Tensor, bias: Tensor, names: list[list[str]], seed: int) -> None:
        self._weight = weight
        self._bias = bias
        self._names = names
        self._seed = seed
        self.at(0)
        rows = weight - weight.mean(0)
        self._directions = functional.normalize(rows, dim=1)

    def at(self, step: int) -> None:
        """Go to a step, so that a resumed run draws what an unbroken one would."""
        self._rng = np.random.default_rng([self._seed, step])

    def features(self, real: Tensor, classes: Tensor) -> Tensor:
        """Stand-in features `[n, 1280]` for n classes, from some real ones.

        Channels of three real pictures are crossed, which breaks up what those show, and the
        class's row is added. The ranges were chosen by training a projection on stand-ins alone:
        pictures of a class lie 4 to 8 along its row.
        """
        count = len(classes)
        mixed = self._some(real, count)
        for _ in range(2):
            share = torch.from_numpy(self._rng.uniform(0, 0.7, (count, 1)))
            crossed = torch.from_numpy(self._rng.random(mixed.shape, dtype=np.float32)) < share
            mixed = torch.where(crossed, self._some(real, count), mixed)
        strength = torch.from_numpy(self._rng.uniform(0.5, 1, (count, 1)).astype(np.float32))
        reach = torch.from_numpy(self._rng.uniform(4, 12, (count, 1)).astype(np.float32))
        return (strength * mixed + reach * self._directions[classes]).clamp(0, 6)

    def _some(self, real: Tensor, count: int) -> Tensor:
        return real[torch.from_numpy(self._rng.integers(len(real), size=count))]

    def teacher_log(self, features: Tensor) -> Tensor:
        """The teacher's log-probabilities `[n, 1000]`, softened."""
        logits = features @ self._weight.T + self._bias
        return (logits / _TEACHER_TEMPERATURE).log_softmax(1)

    def draw(self, count: int) -> tuple[Tensor, list[str]]:
        """Distinct classes and a name for each."""
        classes = self._rng.choice(len(self._names), count, replace=False)
        texts = []
        for label in classes:
            names = self._names[label]
            first = len(names) == 1 or self._rng.random() < 0.6
            name = names[0] if first else names[int(self._rng.integers(1, len(names)))]
            texts.append(name if self._rng.random() < 0.7 else f"a photo of a {name}")
        return torch.from_numpy(classes), texts

    def loss(self, pictures: Tensor, labels: Tensor, log: Tensor, scale: Tensor) -> Tensor:
        """Divergence of the student from the teacher over the drawn classes.

        Args:
            pictures: `[n, dim]` unit rows.
            labels: `[classes, dim]` unit rows.
            log: The teacher's log-probabilities of the drawn classes, `[n, classes]`.
            scale: The multiplier of cosines.
        """
        student = (scale * pictures @ labels.T).log_softmax(1)
        teacher = log.log_softmax(1)
        return functional.kl_div(student, teacher, log_target=True, reduction="batchmean")
