"""Train the shipped model: `scripts/train_compact.py --data ../shared/data`.

Runs in the steps of docs/compact-model.md; every step leaves its result in the run's folder below
`.cache/compact`, and training also leaves checkpoints, so that the same call resumes after an
interruption. The teachers are installed with `pip install -e .[train]`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from scripts.training.optimisation.stages import Run
from scripts.training.optimisation.training import Plan

ROOT = Path(__file__).resolve().parents[2]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "embeddings" / "data" / "compact")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "compact")
    parser.add_argument("--run", default=None, help="name of the run's folder; default: the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text-steps", type=int, default=1500)
    parser.add_argument(
        "--text-from", type=Path, help="a model folder whose text tower to start from, untaught"
    )
    parser.add_argument("--steps", type=int, default=1500, help="of training both towers")
    parser.add_argument("--views", type=int, default=5, help="of every picture")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    """Run or resume every step, then write the model folder."""
    options = _arguments()
    torch.set_num_threads(options.threads)
    name = options.run or f"seed-{options.seed}"
    run = Run(options.data, options.cache, options.cache / "runs" / name, options.seed)
    started = time.monotonic()
    if options.text_from:
        run.take_text(options.text_from)
    else:
        run.teach_text(options.text_steps)
    run.train_towers(Plan(options.steps, seed=options.seed), options.views)
    run.export(options.out)
    print(f"{options.out} written after {(time.monotonic() - started) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
