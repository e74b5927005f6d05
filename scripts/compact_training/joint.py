"""Both towers together over a frozen image trunk: its features are computed once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.transformer import TextTransformer
from torch import Tensor, nn
from torch.nn import functional

from compact_training.batches import Portion, Sampler
from compact_training.catalogs import GROCERY_PHOTOS, GROCERY_PRODUCTS
from compact_training.objective import ClassMemory, Queue, encode_sorted, portion_loss
from compact_training.progress import Progress
from compact_training.text_tower import (
    cosine_rate,
    encode,
    length_batches,
    parameter_groups,
    similarity_loss,
)
from compact_training.vision import EMBED_DIM

__all__ = ["Corpus", "JointPlan", "Towers", "joint_losses", "train_joint"]

Features = dict[str, list[NDArray[np.float16]]]


@dataclass(frozen=True)
class Corpus:
    """General texts and the vectors they are to keep.

    Attributes:
        tokens: `[n, context]`.
        targets: `[n, dim]` unit rows.
    """

    tokens: Tensor
    targets: Tensor


@dataclass(frozen=True)
class JointPlan:
    """How the joint training goes.

    Attributes:
        steps: Batches.
        fashion: Fashion pictures in a batch; likewise the next three.
        grocery: Shopper photos of groceries.
        clothing: Photos of clothes.
        drawings: Drawn products.
        memory: ImageNet classes whose names are embedded.
        stand_ins: Stand-in features of those classes.
        queue: Fashion products of past steps that count as further answers.
        replay: General texts.
        rate: Highest learning rate of the projection.
        text_rate: Of the text tower.
        memory_weight: Of the loss that keeps the ImageNet teacher's knowledge.
        replay_weight: Of the loss that keeps the sentence encoder's.
        seed: Of everything drawn.
    """

    steps: int
    fashion: int = 320
    grocery: int = 96
    clothing: int = 64
    drawings: int = 112
    memory: int = 256
    stand_ins: int = 640
    queue: int = 2048
    replay: int = 256
    rate: float = 2e-3
    text_rate: float = 3e-4
    memory_weight: float = 1.0
    replay_weight: float = 2.0
    seed: int = 0


class Towers(nn.Module):
    """What is trained: the projection, the text tower and the multiplier of cosines."""

    def __init__(self, projection: nn.Module, text: TextTransformer) -> None:
        super().__init__()
        self.projection = projection
        self.text = text
        self.logit_scale = nn.Parameter(torch.tensor(20.0).log())

    def scale(self) -> Tensor:
        """The multiplier of cosines, at most 100 as in CLIP."""
        return self.logit_scale.exp().clamp(max=100)

    def pictures(self, features: Tensor) -> Tensor:
        """Unit vectors of pooled features."""
        return functional.normalize(self.projection(features), dim=1)


def portions_of(sampler: Sampler, plan: JointPlan) -> list[Portion]:
    """The portions of one step."""
    return [
        sampler.fashion(plan.fashion),
        sampler.grocery(plan.grocery),
        sampler.clothing(plan.clothing),
        sampler.drawings(plan.drawings),
    ]


def joint_losses(
    towers: Towers,
    portions: list[Portion],
    features: list[Tensor],
    packshots: Tensor,
    memory: ClassMemory,
    plan: JointPlan,
    queue: Queue | None = None,
) -> dict[str, Tensor]:
    """The losses of one step but the replay of general texts, by name.

    Args:
        towers: What is trained.
        portions: Of the step.
        features: Pooled features of each portion's pictures.
        packshots: Pooled features of some grocery packshots, `portions`' own first; see
            `packshot_rows`.
        memory: The ImageNet teacher's knowledge.
        plan: Batch sizes.
        queue: Of fashion vectors of the last steps.
    """
    classes, names = memory.draw(plan.memory)
    texts = [text for portion in portions for text in _all_texts(portion)]
    vectors = encode_sorted(towers.text, texts + names)
    scale = towers.scale()
    losses = {}
    start = 0
    for portion, block in zip(portions, features, strict=True):
        count = len(_all_texts(portion))
        pictures = towers.pictures(block)
        own = vectors[start : start + count]
        past = queue if portion.captions else None
        losses[portion.name] = portion_loss(portion, pictures, own, scale, past)
        if portion.name == GROCERY_PHOTOS:
            truth = torch.from_numpy(np.unique(portion.anchors[0].truth, return_inverse=True)[1])
            logits = scale * pictures @ towers.pictures(packshots).T
            losses["packshots"] = functional.cross_entropy(logits, truth)
        start += count
    with torch.no_grad():
        real = torch.cat([block.detach() for block in features])
        stand_ins = memory.features(real, classes.repeat(-(-plan.stand_ins // plan.memory)))
        log = memory.teacher_log(stand_ins)[:, classes]
    losses["memory"] = memory.loss(towers.pictures(stand_ins), vectors[start:], log, scale)
    return losses


def packshot_rows(portions: list[Portion], products: int) -> NDArray[np.int64]:
    """The products of the step's grocery photos, and eight others."""
    (photos,) = (portion for portion in portions if portion.name == GROCERY_PHOTOS)
    own = np.unique(photos.anchors[0].truth)
    others = np.setdiff1d(np.arange(products), own)
    start = int(photos.rows[0]) % max(1, len(others))
    return np.concatenate([own, np.roll(others, start)[:8]])


def _all_texts(portion: Portion) -> list[str]:
    return portion.texts + [text for anchors in portion.anchors for text in anchors.texts]


_WEIGHTS = {
    "fashion-train": 1.0,
    "grocery-photos-train": 0.3,
    "clothing-train": 0.3,
    "drawings-train": 0.6,
    "packshots": 0.3,
}


def total(losses: dict[str, Tensor], plan: JointPlan) -> Tensor:
    """The weighted sum of a step's losses."""
    weights = _WEIGHTS | {"memory": plan.memory_weight, "replay": plan.replay_weight}
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()


def train_joint(
    towers: Towers,
    sampler: Sampler,
    features: Features,
    memory: ClassMemory,
    corpus: Corpus,
    plan: JointPlan,
) -> None:
    """Train projection and text tower in place; `features` holds views of every set by name."""
    rng = np.random.default_rng(plan.seed)
    groups = parameter_groups(towers.text)
    for group in groups:
        group["lr"] = plan.text_rate
    optimizer = torch.optim.AdamW(
        [
            *groups,
            {"params": list(towers.projection.parameters()), "lr": plan.rate, "weight_decay": 0.05},
            {"params": [towers.logit_scale], "lr": plan.rate, "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine_rate(s, plan.steps))
    towers.train()
    queue = Queue(sampler.fashion_codes, plan.queue, EMBED_DIM)
    progress = Progress("joint", plan.steps, 50)
    for step in range(plan.steps):
        sampler.at(step)
        memory.at(step)
        portions = portions_of(sampler, plan)
        blocks = [_view(features[p.name], p.rows, rng) for p in portions]
        chosen = packshot_rows(portions, len(features[GROCERY_PRODUCTS][0]))
        packshots = _view(features[GROCERY_PRODUCTS], chosen, rng)
        losses = joint_losses(towers, portions, blocks, packshots, memory, plan, queue)
        rows = torch.from_numpy(length_batches(corpus.tokens, plan.replay, rng))
        losses["replay"] = similarity_loss(
            encode(towers.text, corpus.tokens[rows]), corpus.targets[rows]
        )
        optimizer.zero_grad()
        torch.autograd.backward(total(losses, plan))
        torch.nn.utils.clip_grad_norm_(towers.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        shown = {name: loss.item() for name, loss in losses.items()}
        progress.add(step + 1, shown | {"scale": towers.scale().item()})
    towers.eval()


def _view(
    views: list[NDArray[np.float16]], rows: NDArray[np.int64], rng: np.random.Generator
) -> Tensor:
    view = views[int(rng.integers(len(views)))]
    return torch.from_numpy(view[rows].astype(np.float32))
