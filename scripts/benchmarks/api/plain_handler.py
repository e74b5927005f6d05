"""A plain FastAPI handler that decodes, encodes by torch and searches one upload after another.

Most people write this first; the API is compared with it.
"""

from __future__ import annotations

import io
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, UploadFile
from PIL import Image

from embeddings import load_encoder
from indexer.index import Index


def _app(index_folder: Path) -> FastAPI:
    index = Index.open(index_folder)
    name = index.manifest.encoder.name
    encoder = load_encoder(name, device="cpu", precision="fp32", runtime="torch")
    app = FastAPI()

    @app.post("/v1/search")
    def search(image: UploadFile) -> dict[str, Any]:
        opened = Image.open(image.file).convert("RGB")
        vector = encoder.encode_images(encoder.preprocess(opened)[None])[0]
        matches = index.search(vector, 20)
        hits = [{"id": m.id, "score": m.score, "fields": m.fields} for m in matches]
        return {"hits": hits, "total": len(hits)}

    blank = io.BytesIO()
    Image.new("RGB", (168, 224)).save(blank, "JPEG")
    search(UploadFile(io.BytesIO(blank.getvalue())))
    return app


if __name__ == "__main__":
    made = _app(Path(sys.argv[1]))
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"Plain handler on {listening.getsockname()[1]}", file=sys.stderr, flush=True)
    config = uvicorn.Config(made, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])
