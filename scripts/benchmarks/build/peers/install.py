"""Install the peers of the build benchmark, each into an environment of its own.

`python -m scripts.benchmarks.build.peers.install [PEER...]`; they take about 13 GB with the CUDA
builds of torch that PyPI has, 1 GB of these without sentence-transformers and clip-retrieval.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from scripts.benchmarks.build.peers.environments import FOLDER_VARIABLE, REQUIREMENTS, peers_folder

__all__ = ["install"]

# clip-retrieval's OpenAI loader imports `pkg_resources.packaging`, which later ones do not have;
# it goes in last, since torch asks for a newer one and does not need it to run.
_AFTERWARDS = {"clip-retrieval": ("setuptools==69.5.1",)}
# A number of files of each is compiled when it is first imported, which no run should pay for.
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--compile")


def install(peer: str, folder: Path) -> None:
    """Make the environment of one peer, unless it is whole."""
    environment = folder / peer
    done = environment / ".installed"
    wanted = "\n".join([*REQUIREMENTS[peer], *_AFTERWARDS.get(peer, ())])
    if done.is_file() and done.read_text() == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
    for packages in (REQUIREMENTS[peer], _AFTERWARDS.get(peer, ())):
        if packages:
            subprocess.run([str(environment / "bin" / "python"), *_PIP, *packages], check=True)
    done.write_text(wanted)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peers", nargs="*", metavar="PEER", help=", ".join(REQUIREMENTS))
    chosen = parser.parse_args().peers or list(REQUIREMENTS)
    if unknown := [peer for peer in chosen if peer not in REQUIREMENTS]:
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(REQUIREMENTS)}")
    folder = peers_folder()
    failed = 0
    for peer in chosen:
        print(f"Installing {peer} into {folder / peer}.", file=sys.stderr, flush=True)
        try:
            install(peer, folder)
        except subprocess.CalledProcessError:
            failed += 1
            print(f"{peer} could not be installed; see above.", file=sys.stderr)
    print(f"Name the folder with {FOLDER_VARIABLE}={folder}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(_main())
