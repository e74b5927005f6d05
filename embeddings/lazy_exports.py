"""Lazy exports (PEP 562): a package imports a name's module when the name is first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

__all__ = ["lazy_exports"]


def lazy_exports(package: str, modules: Mapping[str, Iterable[str]]) -> Callable[[str], object]:
    """Return a `__getattr__` for a package.

    Args:
        package: The package's `__name__`.
        modules: For each module's full name, the names that it provides.

    Raises:
        ValueError: A name is also that of a module: while the module is imported, and whenever
            somebody else imports it, the package's attribute of that name is the module.
    """
    module_of = {name: module for module, names in modules.items() for name in names}
    for name in module_of:
        if f"{package}.{name}" in modules:
            raise ValueError(f"{package}.{name} is a module: it can't also be a lazy export")

    def getattr_(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(module_of[name]), name)
        setattr(sys.modules[package], name, value)  # later uses skip this function
        return value

    return getattr_
