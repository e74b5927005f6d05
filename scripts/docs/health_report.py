"""The example page docs/health-report.html: the quality report of a drawn catalog with faults.

`python -m scripts.docs.health_report` writes it.
"""

from __future__ import annotations

import csv
import random
import shutil
import tempfile
from datetime import date
from pathlib import Path

from PIL import Image, ImageOps

from embeddings import load_encoder
from indexer.build import build_index
from indexer.index import Index
from indexer.quality import examine
from search_api.demo import COLUMNS, write_catalog
from search_api.reports import ReportLimits, render_report

ROOT = Path(__file__).resolve().parents[2]

PAGE = ROOT / "docs" / "health-report.html"
# Printed on the page, so that the same file is written every time.
MADE = date(2026, 3, 2)
# Fewer than by default, to keep the file small.
LIMITS = ReportLimits(titles=6, groups=6, values=8, rare=10)


def main() -> None:
    """Draw a catalog, plant faults, build its index, examine it, write the page."""
    encoder = load_encoder("compact", precision="fp32")
    with tempfile.TemporaryDirectory() as name:
        catalog = write_catalog(Path(name), 300, seed=3)
        plant_faults(catalog)
        build_index(catalog, Path(name) / "index", encoder)
        index = Index.open(Path(name) / "index")
        health = examine(index, Path(name) / "index", encoder)
        PAGE.write_text(render_report(health, index, MADE, LIMITS), "utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {PAGE.stat().st_size:,} bytes")


def plant_faults(catalog: Path) -> None:
    """Plant wrong titles, shared, blank, tiny, broken and missing images, gaps, misspellings."""
    with catalog.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chosen = iter(random.Random(5).sample(range(len(rows)), 40))
    pictures = catalog.parent / "pictures"
    for _ in range(2):
        first, second = rows[next(chosen)], rows[next(chosen)]
        first["title"], second["title"] = second["title"], first["title"]

    for change in (None, ImageOps.mirror, _crop):
        original = rows[next(chosen)]
        source = catalog.parent / original["image"]
        target = pictures / f"copy-of-{original['id']}.jpg"
        if change is None:
            shutil.copyfile(source, target)
        else:
            change(Image.open(source)).save(target, quality=80)
        name = target.relative_to(catalog.parent).as_posix()
        rows.append(original | {"id": f"{original['id']}-b", "image": name})

    Image.new("RGB", (320, 320), (252, 252, 252)).save(pictures / "blank.jpg")
    rows[next(chosen)]["image"] = "pictures/blank.jpg"
    small = rows[next(chosen)]
    Image.open(catalog.parent / small["image"]).resize((64, 64)).save(pictures / "small.jpg")
    small["image"] = "pictures/small.jpg"
    (pictures / "broken.jpg").write_bytes((catalog.parent / small["image"]).read_bytes()[:600])
    rows[next(chosen)]["image"] = "pictures/broken.jpg"
    rows[next(chosen)]["image"] = "pictures/not-there.jpg"
    for _ in range(9):
        rows[next(chosen)]["colour"] = ""
    black = next(row for row in rows if row["colour"] == "black")
    black["colour"] = "blak"
    with catalog.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)


def _crop(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((width // 20, 0, width, height - height // 20))


if __name__ == "__main__":
    main()
