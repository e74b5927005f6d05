"""Train the shipped model, in the steps of docs/compact-model.md.

Every step leaves its result in the run's folder below the cache, and training leaves checkpoints:
the same call resumes after an interruption. The teachers come with the extra `train`, which
`scripts/train` installs.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from scripts.support.front import ROOT

__all__ = ["add_options", "train"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--out", type=Path, default=ROOT / "embeddings" / "data" / "compact", help="model folder"
    )
    parser.add_argument("--run", help="name of the run's folder; default: the seed")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    parser.add_argument("--text-steps", type=int, default=1500, help="of teaching the text tower")
    parser.add_argument(
        "--text-from", type=Path, help="a model folder whose text tower to start from, untaught"
    )
    parser.add_argument("--steps", type=int, default=1500, help="of training both towers")
    parser.add_argument("--views", type=int, default=5, help="of every image")
    parser.add_argument("--threads", type=int, default=2, help="that torch computes with")


def train(options: argparse.Namespace) -> None:
    """Run or resume every step, then write the model folder."""
    import torch

    # The teachers are not installed everywhere that `--help` runs.
    from scripts.training.optimisation.stages import Run
    from scripts.training.optimisation.training import Plan

    torch.set_num_threads(options.threads)
    name = options.run or f"seed-{options.seed}"
    cache = options.cache / "compact"
    run = Run(options.data, cache, cache / "runs" / name, options.seed)
    started = time.monotonic()
    if options.text_from:
        run.take_text(options.text_from)
    else:
        run.distil_text(options.text_steps)
    run.train_towers(Plan(options.steps, seed=options.seed), options.views)
    run.export(options.out)
    print(f"{options.out} written after {(time.monotonic() - started) / 60:.0f} minutes")
