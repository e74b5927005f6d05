"""Image finding: one file under all the spellings that shops use, and none outside the roots."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from indexer import CatalogError, SourceError
from indexer.catalog import CatalogOptions, CatalogRow, open_catalog
from indexer.catalog.images import ImageFinder, spellings

NFC = unicodedata.normalize("NFC", "Übergröße é.png")
NFD = unicodedata.normalize("NFD", NFC)


def put(folder: Path, *names: str) -> Path:
    """Write files whose content is their own name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def finder(folder: Path, *roots: Path) -> ImageFinder:
    return ImageFinder(folder, roots, max_bytes=1000)


def found(images: ImageFinder, text: str) -> str:
    source = images.find(text)
    assert source.read(1000).decode() == source.location
    return source.location


def refusal(images: ImageFinder, text: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        images.find(text)
    assert caught.value.message.isprintable()
    return caught.value


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    put(tmp_path / "outside", "secret.png", "pictures/a.png")
    return put(
        tmp_path / "shop", "pictures/a.png", "pictures/b c.png", "100%.png", "odd\\name.png", NFD
    )


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("pictures/a.png", "pictures/a.png"),
        ("pictures\\a.png", "pictures/a.png"),
        (".\\pictures\\a.png", "pictures/a.png"),
        ("\\pictures\\a.png", "pictures/a.png"),
        ("/pictures/a.png", "pictures/a.png"),
        ("Pictures/A.PNG", "pictures/a.png"),
        ("PICTURES\\a.png", "pictures/a.png"),
        ("pictures/b%20c.png", "pictures/b c.png"),
        ("Pictures\\B%20c.png", "pictures/b c.png"),
        ("100%.png", "100%.png"),
        ("odd\\name.png", "odd\\name.png"),
        (NFC, NFD),
        (NFD, NFD),
        (NFC.upper().replace("SS", "ß"), NFD),
        ("C:\\Shop\\pictures\\a.png", "pictures/a.png"),
        ("c:/Shop/Pictures/a.png", "pictures/a.png"),
        ("\\\\server\\share\\pictures\\a.png", "pictures/a.png"),
        ("file:///C:/Shop/pictures/b%20c.png", "pictures/b c.png"),
    ],
)
def test_a_file_is_found_by_any_spelling(shop: Path, text: str, location: str) -> None:
    assert found(finder(shop), text) == location


@pytest.mark.parametrize("prefix", ["", "file://", "file://localhost"])
def test_absolute_paths_into_the_folder_are_taken(shop: Path, prefix: str) -> None:
    assert found(finder(shop), f"{prefix}{shop}/pictures/a.png") == "pictures/a.png"
    assert found(finder(shop), f"{prefix}{shop}/PICTURES/a.png") == "pictures/a.png"


@pytest.mark.parametrize(
    "spell",
    [
        lambda name: f"Pictures/Sub/{unicodedata.normalize('NFC', name)}",
        lambda name: f"PICTURES\\sub\\{unicodedata.normalize('NFC', name)}",
        lambda name: f"pictures/sub/{unicodedata.normalize('NFC', name)}",
        lambda name: f"pictures%2Fsub/{quote(name)}",
    ],
)
def test_no_folder_is_listed_for_each_row(
    tmp_path: Path, spell: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [unicodedata.normalize("NFD", f"größe {n}.png") for n in range(50)]
    put(tmp_path, *(f"pictures/sub/{name}" for name in names), "other/x.png")
    monkeypatch.setattr(spellings, "_MAX_NAMES", 10)  # no list of a large folder is kept
    images, listed = finder(tmp_path), []
    listing = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(path) or listing(path))
    for name in names:
        assert found(images, spell(name)) == f"pictures/sub/{name}"
        assert found(images, "OTHER/x.png") == "other/x.png"
    assert len(listed) < 10


def test_a_folder_of_just_this_name_is_looked_in_first(tmp_path: Path) -> None:
    put(tmp_path, "Pictures/a.png", "pictures/b.png", "pictures/a.png")
    images = finder(tmp_path)
    assert found(images, "pictures/b.png") == "pictures/b.png"
    assert found(images, "Pictures/a.png") == "Pictures/a.png"
    assert found(images, "Pictures\\a.png") == "Pictures/a.png"
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "a.png").symlink_to("../pictures/b.png")
    (tmp_path / "linked" / "b.png").write_bytes(b"linked/b.png")
    assert images.find("LINKED/a.png").location == "pictures/b.png"
    assert found(images, "LINKED/b.png") == "linked/b.png"


def test_an_absolute_path_through_a_link_to_the_folder_is_taken(shop: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(shop)
    assert found(finder(link), f"{link}/pictures/a.png") == "pictures/a.png"
    assert found(finder(link), f"{shop}/pictures/a.png") == "pictures/a.png"


@pytest.mark.case(12)
@pytest.mark.parametrize(
    "text",
    [
        "..\\outside\\secret.png",
        "%2e%2e/outside/secret.png",
        "pictures\\..\\..\\outside\\secret.png",
        "C:\\..\\outside\\secret.png",
        "file:///etc/passwd",
        "D:\\nowhere\\x.png",
        "away/SECRET.png",
        "AWAY/secret.png",
        "C:\\away\\SECRET.png",
    ],
)
def test_no_spelling_leads_outside(shop: Path, text: str) -> None:
    (shop / "away").symlink_to(shop.parent / "outside")
    error = refusal(finder(shop), text)
    assert error.reason in ("path_outside_catalog", "image_not_found")
    assert error.reason == "path_outside_catalog" or "away" in text.lower()


def test_image_roots_are_read_and_nothing_beside_them(shop: Path, tmp_path: Path) -> None:
    pictures = put(tmp_path / "store" / "media", "x.png", "deep/y.png")
    put(tmp_path / "store", "z.png")
    images = finder(shop, pictures)
    assert found(images, "x.png") == "x.png"
    assert found(images, f"{pictures}/deep/y.png") == "deep/y.png"
    assert found(images, "../store/media/deep/y.png") == "deep/y.png"
    assert found(images, "/deep/Y.png") == "deep/y.png"
    assert found(images, "pictures/a.png") == "pictures/a.png"
    assert refusal(images, f"{tmp_path}/store/z.png").reason == "path_outside_catalog"
    assert refusal(images, "../store/z.png").reason == "path_outside_catalog"
    (pictures / "link.png").symlink_to("../z.png")
    assert refusal(images, "link.png").reason == "path_outside_catalog"


def test_a_link_from_one_root_into_another_is_followed(shop: Path, tmp_path: Path) -> None:
    pictures = put(tmp_path / "media", "x.png")
    (shop / "link.png").symlink_to(pictures / "x.png")
    assert found(finder(shop, pictures), "link.png") == "x.png"
    assert refusal(finder(shop), "link.png").reason == "path_outside_catalog"


def test_an_image_root_that_is_missing_is_refused(shop: Path) -> None:
    with pytest.raises(CatalogError, match=r"no folder .*nowhere.*--image-root"):
        finder(shop, shop / "nowhere")


def test_all_windows_paths_begin_in_the_same_folder(tmp_path: Path) -> None:
    images = finder(put(tmp_path, "old/a.png", "a.png", "b.png"))
    assert found(images, "D:\\shop\\old\\a.png") == "old/a.png"
    assert found(images, "d:\\Shop\\b.png") == "b.png"
    # "a.png" of another folder is another picture.
    assert refusal(images, "D:\\other\\a.png").reason == "path_outside_catalog"
    assert refusal(images, "D:\\shop\\c.png").reason == "image_not_found"


def test_each_root_stands_for_one_windows_folder(shop: Path, tmp_path: Path) -> None:
    media = put(tmp_path / "media", "m.png")
    images = finder(shop, media)
    assert found(images, "C:\\shop\\pictures\\a.png") == "pictures/a.png"
    assert found(images, "E:\\media\\m.png") == "m.png"


def test_names_that_differ_only_in_case_are_not_guessed(tmp_path: Path) -> None:
    images = finder(put(tmp_path, "A.png", "a.PNG"))
    assert found(images, "A.png") == "A.png"
    error = refusal(images, "a.png")
    assert error.reason == "image_not_found"
    assert "'A.png' and 'a.PNG' differ" in error.message


def test_an_address_without_its_beginning_is_explained(shop: Path) -> None:
    assert "https://" in refusal(finder(shop), "www.shop.example/a.png").message
    assert "https://" not in refusal(finder(shop), "pictures/missing.png").message


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://shop.example/a.jpg?x=1&y=%20", "https://shop.example/a.jpg?x=1&y=%20"),
        ("HTTPS://shop.example/a|b.jpg", "HTTPS://shop.example/a|b.jpg"),
        ("https://shop.example/red shoe.jpg", "https://shop.example/red%20shoe.jpg"),
        ("http://h/\nx.jpg", "http://h/x.jpg"),
        ("https:\\\\h\\a\\b.jpg?c\\d", "https://h/a/b.jpg?c\\d"),
        ("https://shop.example/größe.jpg", "https://shop.example/gr%C3%B6%C3%9Fe.jpg"),
        ("https://Bücher.example:8443/a.jpg", "https://xn--bcher-kva.example:8443/a.jpg"),
        (
            "https://例え.jp/写真.jpg?名=1",
            "https://xn--r8jz45g.jp/%E5%86%99%E7%9C%9F.jpg?%E5%90%8D=1",
        ),
        ("//cdn.shop.example/a.jpg", "https://cdn.shop.example/a.jpg"),
    ],
)
def test_urls_are_taken_as_browsers_take_them(shop: Path, text: str, url: str) -> None:
    source = finder(shop).find(text)
    assert (source.location, source.url) == (url, url)


@pytest.mark.parametrize(
    "text", ["https://h o/x", "https://:80/x", "https://h:0/x", "https://ü..de/x", "https://u@h/x"]
)
def test_urls_without_a_usable_host_are_refused(shop: Path, text: str) -> None:
    assert refusal(finder(shop), text).reason == "bad_url"


def test_the_index_and_leavings_of_systems_are_no_images(tmp_path: Path) -> None:
    put(
        tmp_path, "a.png", "deep/b.png", "__MACOSX/deep/._b.png", "deep/._b.png", ".hidden/c.png",
        "@eaDir/a.png/thumb.jpg", "Thumbs.db", "$RECYCLE.BIN/d.png",
        "index/CURRENT", "index/manifests/000001.json", "index/segments/1/thumbnails.bin",
        "unfinished/write.lock", "unfinished/staging/ledger.sqlite",
    )  # fmt: skip
    rows = list(open_catalog(tmp_path).rows())
    assert [row.id for row in rows if isinstance(row, CatalogRow)] == ["a.png", "deep/b.png"]
    assert len(rows) == 2
    with pytest.raises(CatalogError, match="is an index, not a catalog"):
        open_catalog(tmp_path / "index")


def test_a_catalog_file_finds_images_below_image_roots(shop: Path, tmp_path: Path) -> None:
    pictures = put(tmp_path / "media", "x.png")
    (shop / "c.csv").write_text("id,image\n1,pictures\\a.png\n2,x.png\n")
    rows = list(open_catalog(shop / "c.csv", CatalogOptions(image_roots=(pictures,))).rows())
    assert [row.images[0].location for row in rows if isinstance(row, CatalogRow)] == [
        "pictures/a.png",
        "x.png",
    ]
