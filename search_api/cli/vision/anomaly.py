"""`lookalike anomaly`: images that are unlike good ones, and where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embeddings import ImageError
from search_api import console
from search_api.cli.options import JsonOption
from search_api.cli.vision.files import look_into

if TYPE_CHECKING:
    from PIL.Image import Image

    from indexer.anomaly import AnomalyScore

__all__ = ["anomaly_app", "anomaly_fit", "anomaly_score"]

# The distance that is drawn as the hottest, in multiples of what makes an image an anomaly.
_HOTTEST = 2.0

anomaly_app = typer.Typer(
    help="Find images that are unlike good ones of the same product.", no_args_is_help=True
)


@anomaly_app.command("fit")
def anomaly_fit(
    *,
    good: Annotated[
        Path,
        typer.Argument(help="A folder of images of good samples.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", help="The file to write.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Learn from images of good samples what one looks like."""
    from embeddings.vision import check_patches, patch_features
    from indexer.anomaly import fit_anomaly

    check_patches()
    if not good.is_dir():
        console.fail(f"{good} is no folder; name one with images of good samples.")
    if out.is_dir() or not out.parent.is_dir():
        console.fail(f"{out} can't be written; name a file in a folder that exists.")
    found = look_into(_images_in(good), patch_features)
    features = [each for _, each in found if not isinstance(each, ImageError)]
    model = fit_anomaly(features)
    model.write(out)
    facts = {"images": len(features), "patches": len(model.patches), "model": str(out)}
    if as_json:
        console.print_json({**facts, "unreadable": len(found) - len(features)})
    else:
        console.say(f"Learned {facts['patches']:,} patches of {len(features)} images: {out}")


@anomaly_app.command("score")
def anomaly_score(
    *,
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    model: Annotated[
        Path, typer.Option(help="The file that `anomaly fit` wrote.", show_default=False)
    ],
    heat: Annotated[
        Path | None,
        typer.Option(
            help="A folder for a heat map of each image, NAME.heat.png.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which images are unlike the good ones, and where.

    Exits with 1 if an image is an anomaly, or can't be read.
    """
    from embeddings.vision import check_patches, patch_features
    from indexer.anomaly import read_anomaly

    check_patches()
    fitted = read_anomaly(model)
    if heat is not None and not heat.is_dir():
        console.fail(f"There is no folder {heat}; create it, or name another one.")

    def judge(image: Image) -> tuple[AnomalyScore, Image]:
        return fitted.score(patch_features(image)), image

    rows: list[dict[str, Any]] = []
    for path, found in look_into(images, judge):
        if isinstance(found, ImageError):
            rows.append({"image": str(path), "score": None, "anomalous": None})
            continue
        judged, image = found
        rows.append({"image": str(path), "score": judged.score, "anomalous": judged.anomalous})
        if heat is not None:
            limit = _HOTTEST * (fitted.usual + fitted.deviation)
            _write_heat(heat / f"{path.stem}.heat.png", image, judged, limit)
    if as_json:
        console.print_json({"images": rows})
    else:
        for row in rows:
            if row["score"] is not None:
                verdict = "anomaly" if row["anomalous"] else "good"
                console.say(f"{row['score']:8.2f}  {verdict:8}{console.for_terminal(row['image'])}")
    if any(row["anomalous"] is not False for row in rows):
        raise typer.Exit(1)


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")


def _write_heat(path: Path, image: Image, judged: AnomalyScore, limit: float) -> None:
    """Draw where an image is unlike good ones; `limit` is the distance that is hottest."""
    import numpy as np

    from embeddings import HeatMap, heat_map_png

    rows, columns = judged.distances.shape
    # The image lies in the middle of a square.
    width, height = (round(side / max(image.size) * rows) or 1 for side in image.size)
    left, top = (columns - width) // 2, (rows - height) // 2
    values = judged.distances[top : top + height, left : left + width] / limit
    shown = HeatMap(np.clip(values, 0, 1).astype(np.float32), cosine=0.0, drop=0.0)
    path.write_bytes(heat_map_png(image, shown))
