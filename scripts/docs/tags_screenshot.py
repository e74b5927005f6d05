"""The screenshot docs/images/tags.png: the page over images without fields, with their tags.

`python -m scripts.docs.tags_screenshot [--out FILE.png] [--images FOLDER]`. By default the images
are drawn. Needs a Chromium, as the page's tests do.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from search_api.demo import write_catalog

ROOT = Path(__file__).resolve().parents[2]

LOOKALIKE = (sys.executable, "-c", "from search_api.cli import main; main()")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def main() -> None:
    """Draw a catalog, build its index with tags, serve it, take the screenshot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "tags.png")
    parser.add_argument("--images", type=Path, help="a folder of your own images")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = options.images or write_catalog(folder, 300).parent / "pictures"
        index = folder / "index"
        build = ["index", "build", str(images), "--index", str(index), "--tags", "retail"]
        subprocess.run([*LOOKALIKE, *build], cwd=ROOT, check=True)
        serve = [*LOOKALIKE, "serve", "--index", str(index), "--port", "0"]
        with subprocess.Popen(serve, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
            try:
                _take(_address(server), options.out)
            finally:
                server.terminate()
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")


def _address(server: subprocess.Popen[str]) -> str:
    assert server.stderr is not None
    for line in server.stderr:
        found = re.search(r"on (http://\S+)$", line.strip())
        if found:
            return found[1]
    raise RuntimeError("the server did not start")


def _take(address: str, out: Path) -> None:
    """Choose the most common type on the start page, and take a screenshot of its products."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 860})
        page.set_default_timeout(120_000)
        page.goto(address)
        page.locator("#home-facets .tag").first.click()
        page.locator("#results [data-hit] img").first.wait_for()
        page.wait_for_function(
            "() => [...document.querySelectorAll('#results [data-hit] img')].slice(0, 8)"
            ".every((image) => image.naturalWidth > 0)"
        )
        page.screenshot(path=out)
        browser.close()


if __name__ == "__main__":
    main()
