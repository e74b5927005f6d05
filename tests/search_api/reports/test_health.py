"""The health page: what it says, what it escapes, and that it needs nothing else."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.index import Index
from indexer.quality import CatalogHealth, FaceImage, examine
from indexer.quality.health_facts import Refusal, RefusalKind
from search_api.reports import ReportLimits, render_report
from tests.support.processes import Cli

HOSTILE = '<script>alert("x")</script><img src="http://evil.example/x" onerror="alert(1)">'
MADE = date(2026, 3, 1)


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def write_catalog(folder: Path) -> Path:
    """Forty striped rugs in two colours; a shared picture, a blank one, hostile words all over."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for n in range(40):
        name, colour = ("red", (220, 20, 20)) if n % 2 else ("blue", (20, 20, 220))
        pixels = np.empty((120, 120, 3))
        pixels[:] = colour
        pixels[rng.integers(0, 120, 40)] *= 0.4
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{n}.png")
        rows.append(
            {"id": f"rug-{n:02d}", "image": f"{n}.png", "title": f"A {name} rug", "hue": name}
        )
    Image.new("RGB", (400, 400), "white").save(folder / "white.png")
    rows += [
        {"id": HOSTILE, "image": "2.png", "title": HOSTILE, "hue": "red"},
        {"id": "blank", "image": "white.png", "title": "A red rug", "hue": "bleu"},
        {"id": "lost", "image": "none.png", "title": "A red rug"},
        {"id": "gap", "image": "3.png", "title": "A red rug"},
    ]
    catalog = folder / "rugs.jsonl"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return catalog


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def index(catalog: Path) -> Index:
    path = catalog.parent / "index"
    build_index(catalog, path, FakeEncoder(), BuildOptions(workers=0))
    return Index.open(path)


@pytest.fixture(scope="module")
def health(index: Index, catalog: Path) -> CatalogHealth:
    return examine(index, catalog.parent / "index", FakeEncoder())


@pytest.fixture(scope="module")
def page(health: CatalogHealth, index: Index) -> str:
    return render_report(health, index, MADE)


def test_says_what_was_found(page: str, health: CatalogHealth) -> None:
    words = " ".join(Page(page).text.split())
    assert "rugs.jsonl" in words
    assert "43 products" in words
    assert "1 March 2026" in words
    assert "Picture file not found" in words
    assert "1 picture shows one colour and nothing else." in words
    assert "same file on 2 products" in words
    assert "perhaps blue" in words
    for section in ("titles", "duplicates", "refused", "blank", "tiny", "fields", "values"):
        assert f'id="{section}"' in page
    assert health.titles
    assert health.titles[0].id in words


def test_text_of_the_catalog_is_never_markup(page: str) -> None:
    parsed = Page(page)
    assert HOSTILE in parsed.text
    assert "script" not in parsed.tags
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]


def test_hostile_text_everywhere(health: CatalogHealth, index: Index) -> None:
    poisoned = replace(
        health,
        catalog=HOSTILE,
        model=HOSTILE,
        refused=(
            RefusalKind(HOSTILE, (Refusal(1, HOSTILE, HOSTILE), Refusal(2, "b", "m\x1b[1m"))),
        ),
        fields=tuple(replace(field, name=HOSTILE) for field in health.fields),
        groups=tuple(replace(group, name=HOSTILE) for group in health.groups),
        titles=tuple(
            replace(suspect, title=HOSTILE, looks={HOSTILE: HOSTILE}, reads={HOSTILE: HOSTILE})
            for suspect in health.titles
        ),
    )
    page = render_report(poisoned, index, MADE)
    parsed = Page(page)
    assert "script" not in parsed.tags
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]
    assert "\x1b" not in page


def test_nothing_is_fetched(page: str) -> None:
    parsed = Page(page)
    for tag, name, value in parsed.attributes:
        if name in ("src", "href", "srcset", "action", "data"):
            assert value.startswith(("data:image/webp;base64,", "#")), (tag, name, value[:60])
    assert "link" not in parsed.tags
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\(", page)


def test_limits_keep_the_page_short(health: CatalogHealth, index: Index) -> None:
    many = tuple(replace(health.blank[0]) for _ in range(500))
    page = render_report(replace(health, blank=many), index, MADE, ReportLimits(faults=5))
    assert "and 495 more pictures" in " ".join(Page(page).text.split())
    assert len(page) < 300_000


def test_an_orderly_catalog_says_so(health: CatalogHealth, index: Index) -> None:
    good = replace(
        health,
        refused=(),
        blank=(),
        tiny=(),
        titles=(),
        title=None,
        groups=(),
        fields=(),
        duplicates=replace(health.duplicates, groups=()),
    )
    words = " ".join(Page(render_report(good, index, MADE)).text.split())
    assert "Every product has pictures of its own." in words
    assert "No picture is blank." in words
    assert "Every row and every picture of the catalog could be used." in words


def test_faces_are_listed_or_said_to_be_unchecked(health: CatalogHealth, index: Index) -> None:
    fault = health.blank[0]
    face = FaceImage(fault.id, fault.title, fault.picture, 2, covered=True)
    for faces, wanted in (
        (None, "Not checked: build with --faces blur"),
        ((), "No face was found in any picture."),
        ((face,), "Faces were found in 1 picture; nobody was recognised. In 1 of them"),
    ):
        page = render_report(replace(health, faces=faces), index, MADE)
        words = " ".join(Page(page).text.split())
        assert wanted in words
        assert ("2 faces" in words) is bool(faces)
        assert ("pictures with faces" in words) is (faces is not None)


def test_in_a_browser_nothing_runs_and_nothing_is_asked_for(page: str, tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium here")
    file = tmp_path / "report.html"
    file.write_text(page, "utf-8")
    asked, said = [], []
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        for width in (1280, 390):
            window = browser.new_page(viewport={"width": width, "height": 800})
            window.on("request", lambda request: asked.append(request.url))
            window.on("dialog", lambda dialog: said.append(dialog.message))
            window.on("console", lambda message: said.append(message.text))
            window.on("pageerror", lambda error: said.append(str(error)))
            window.goto(file.as_uri())
            shown = "Array.from(document.images).every(i => !i.complete || i.naturalWidth > 0)"
            assert window.evaluate(shown)
            assert window.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == {file.as_uri()}


def test_the_commands(fake_cli: Cli, catalog: Path, index: Index, tmp_path: Path) -> None:
    folder, page = catalog.parent / "index", tmp_path / "report.html"
    done = fake_cli(
        "index", "report", "--index", folder, "--output", page, "--model", "compact", "--json"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["products"] == 43
    assert [fault["id"] for fault in found["blank"]] == ["blank"]
    assert page.read_text("utf-8").startswith("<!doctype html>")

    done = fake_cli("index", "duplicates", "--index", folder, "--level", "exact", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["total"] == 2
    assert {member["id"] for member in found["groups"][0]["members"]} <= {
        HOSTILE, "rug-02", "rug-03", "gap",
    }  # fmt: skip

    done = fake_cli("index", "duplicates", "--index", folder, "--limit", "1")
    assert done.returncode == 0, done.stderr
    assert "2 products, one image" in done.stdout
    assert "same file" in done.stdout
    assert "--limit" in done.stderr


def test_building_with_a_report(fake_cli: Cli, catalog: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = fake_cli("index", "build", catalog, "--index", tmp_path / "i", "--report", page)
    assert done.returncode == 0, done.stderr
    assert "rugs.jsonl" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["report"], "--output"),
        (["report", "--output", "."], "is a folder"),
        (["report", "--output", "nowhere/report.html"], "no folder"),
        (["duplicates", "--level", "twins"], "exact, same, similar"),
    ],
)
def test_bad_options_get_one_line(
    fake_cli: Cli, catalog: Path, arguments: list[str], says: str
) -> None:
    done = fake_cli("index", *arguments, "--index", catalog.parent / "index")
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
