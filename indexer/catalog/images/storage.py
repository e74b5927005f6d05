"""Object storage: files at `s3://` and other addresses, by fsspec and its extras."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer.catalog.quoting import quote_for_message
from indexer.errors import CatalogError, SourceError

__all__ = ["copy_stored", "matching_stored", "read_stored", "stored_url"]

# What each kind needs beside fsspec; the extra of this package, where it has one.
_NEEDED = {
    "s3": "lookalike[s3]",
    "gs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "hf": "huggingface_hub",
}
# A path object makes one slash of two.
_URL = re.compile(rf"({'|'.join(_NEEDED)}):/+(?=[^/])(.*)", re.DOTALL)


def stored_url(path: Path | str) -> str | None:
    """Return the address of a file in object storage, such as `s3://bucket/a.csv`, or None."""
    found = _URL.fullmatch(str(path))
    return None if found is None else f"{found.group(1)}://{found.group(2)}"


def matching_stored(url: str) -> list[str]:
    """Return the addresses of the files that an address or a pattern names, in order.

    Raises:
        CatalogError: There are none, or the storage can't be read.
    """
    if not glob.has_magic(url):
        return [url]
    kind = url.partition("://")[0]
    with _catalog_errors(url):
        system, path = _opened(url)
        found = sorted(f"{kind}://{name}" for name in system.glob(path))
    if not found:
        raise CatalogError(f"no file matches {url!r}; check the pattern")
    return found


def copy_stored(url: str, folder: Path) -> Path:
    """Copy a file from object storage into a folder; returns the copy, under its own name.

    Raises:
        CatalogError: There is no such file, or the storage can't be read.
    """
    copy = folder / (url.rpartition("/")[2] or "catalog")
    with _catalog_errors(url):
        system, path = _opened(url)
        system.invalidate_cache()
        if system.isdir(path):
            raise CatalogError(f"{url!r} is a folder; name a file in it, or a pattern of files")
        system.get_file(path, str(copy))
    return copy


def read_stored(url: str, max_bytes: int) -> bytes:
    """Return the bytes of an image in object storage, undecoded.

    Raises:
        SourceError: `image_not_found`, `image_too_large` or `unreadable`.
    """
    shown = quote_for_message(url)
    try:
        system, path = _opened(url)
        data = bytes(system.cat_file(path, start=0, end=max_bytes + 1))
    except (FileNotFoundError, IsADirectoryError):
        raise SourceError("image_not_found", f"there is no file {shown}; check the path") from None
    except Exception as error:
        raise SourceError(
            "unreadable", f"{shown} can't be read ({type(error).__name__}); try again"
        ) from error
    if len(data) > max_bytes:
        raise SourceError(
            "image_too_large",
            f"the image has more than {max_bytes:,} bytes, which is the most that is allowed",
        )
    return data


def _opened(url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it."""
    from fsspec.core import url_to_fs  # of an extra

    system, path = url_to_fs(url)
    return system, str(path)


@contextmanager
def _catalog_errors(url: str) -> Iterator[None]:
    kind = url.partition("://")[0]
    try:
        yield
    except CatalogError:
        raise
    except ImportError:
        raise CatalogError(
            f"{url!r} needs a package that is not here; pip install '{_NEEDED[kind]}'"
        ) from None
    except FileNotFoundError:
        raise CatalogError(f"there is no file {url!r}; check the address") from None
    except PermissionError:
        raise CatalogError(f"{url!r} may not be read; check the credentials") from None
    except Exception as error:
        # The libraries of the storages have no error in common.
        raise CatalogError(
            f"{url!r} can't be read ({type(error).__name__}); check the address, the credentials "
            "and the network"
        ) from error
