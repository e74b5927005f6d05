"""The path under which a proxy serves the service: `LOOKALIKE_ROOT_PATH`.

Some proxies remove it from the paths of requests, others pass it on. Both are answered.
"""

from __future__ import annotations

from starlette.types import Scope

__all__ = ["remove_root"]


def remove_root(scope: Scope, root: str) -> bool:
    """Remove the root from a request's path.

    Args:
        scope: The request.
        root: Begins with a slash and does not end with one; empty for the root of the host.

    Returns:
        Whether the path is the root itself without the slash that ends it, from which the page's
        relative links would lead elsewhere.
    """
    if not root:
        return False
    path: str = scope["path"]
    if path == root:
        return True
    if path.startswith(f"{root}/"):
        scope["path"] = path[len(root) :]
        raw = scope.get("raw_path")
        if raw and raw.startswith(f"{root}/".encode()):
            scope["raw_path"] = raw[len(root) :]
    return False
