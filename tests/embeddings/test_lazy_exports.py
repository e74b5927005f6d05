"""Lazy exports: a module is imported with the first use of its name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from embeddings import lazy_exports

PACKAGE = """
from embeddings import lazy_exports
__getattr__ = lazy_exports(__name__, {"lazy_sample.inner": ("value",)})
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that exports a name of its inner module."""
    folder = tmp_path / "lazy_sample"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "inner.py").write_text("value = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "lazy_sample"
    for name in ("lazy_sample", "lazy_sample.inner"):
        sys.modules.pop(name, None)


def test_the_module_is_imported_with_the_first_use(package: str) -> None:
    module = __import__(package)
    assert f"{package}.inner" not in sys.modules
    assert module.value == 42
    assert f"{package}.inner" in sys.modules
    assert vars(module)["value"] == 42  # later uses don't call __getattr__


def test_other_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="module 'shop' has no attribute 'basket'"):
        lazy_exports("shop", {"shop.till": ("price",)})("basket")


def test_no_name_is_that_of_a_module() -> None:
    # Importing shop.price sets the package's `price` to the module, in the middle of a call by
    # another thread.
    with pytest.raises(ValueError, match=r"shop\.price is a module"):
        lazy_exports("shop", {"shop.till": ("price",), "shop.price": ("Price",)})
