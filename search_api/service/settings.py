"""Settings of the service: one typed value, read once from LOOKALIKE_* variables and flags."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from embeddings.images import ImageLimits
from embeddings.vision import Examination, FaceMode, ModerationMode
from search_api.service.errors import ServeError, describe

__all__ = ["LogFormat", "Settings", "UploadModeration", "read_settings"]


_PATH_NAME = re.compile(r"[A-Za-z0-9._~-]+")
# With these as its root, the service could not tell its own paths from those of a proxy.
_OWN_NAMES = ("v1", "static", "docs", "openapi.json", "healthz", "readyz", "metrics")


class LogFormat(StrEnum):
    """Format of a log line."""

    JSON = "json"
    CONSOLE = "console"


class UploadModeration(StrEnum):
    """What is done about uploaded images that may not be fit to show."""

    OFF = "off"
    REFUSE = "refuse"


class Settings(BaseSettings):
    """Settings of the service; each field can be set as LOOKALIKE_NAME in the environment."""

    # Errors must not quote values, which may be keys.
    model_config = SettingsConfigDict(
        env_prefix="LOOKALIKE_", frozen=True, hide_input_in_errors=True
    )

    max_body_bytes: int = Field(
        default=28 * 2**20,
        gt=0,
        description="Largest request body in bytes; base64 makes an image a third larger than its "
        "file.",
    )
    max_image_bytes: int = Field(
        default=20 * 2**20, gt=0, description="Largest image file, in bytes."
    )
    max_image_pixels: int = Field(
        default=48 * 2**20,
        gt=0,
        le=89_478_485,  # Pillow's own limit
        description="Maximum pixels of an image; four times as many of a baseline JPEG, which is "
        "decoded at half its sides.",
    )
    max_image_memory: int = Field(
        default=320 * 2**20,
        gt=0,
        description="Maximum bytes that decoding an image may take, as estimated from its header.",
    )
    decode_megapixels: float = Field(
        default=800.0,
        gt=0,
        description="Maximum megapixels of the images of one request, and of those that wait, as "
        "baseline JPEGs; those of PNG and WebP count 4 or 7 times, of AVIF 8 times.",
    )
    bodies_memory: int = Field(
        default=64 * 2**20,
        gt=0,
        description="Maximum bytes of large bodies that requests hold at the same time; others "
        "wait.",
    )
    bodies_disk: int = Field(
        default=2**30,
        gt=0,
        description="Maximum bytes of bodies that arrive in files, half of it for one caller; "
        "beyond it 503.",
    )
    threads: int = Field(default=4, gt=0, description="Threads that search.")
    deadline_seconds: float = Field(
        default=10.0,
        gt=0,
        description="Maximum seconds for a query to wait and be answered.",
    )
    under_way: int = Field(
        default=32,
        gt=0,
        description="Maximum searches in progress or waiting for their turn; further ones get 503.",
    )
    under_way_crowded: int = Field(
        default=12,
        gt=0,
        description="Those of them that are worked on at the same time, in turns of the callers; "
        "enough to keep the decoders and the model busy.",
    )
    queue_size: int = Field(
        default=32,
        gt=0,
        description="Maximum images, and maximum texts, that wait for the model; then 503.",
    )
    side_by_side: bool = Field(
        default=False,
        description="With torch, run waiting batches side by side, each on one processor: more "
        "answers if the service is always busy, but lone requests take longer.",
    )
    batch_wait_ms: float = Field(
        default=2.0,
        ge=0,
        description="Maximum milliseconds that a batch waits for more under load.",
    )
    text_cache: int = Field(
        default=10_000,
        ge=0,
        description="Number of texts whose vectors are cached, a kilobyte each.",
    )
    decode_workers: int = Field(
        default=2, gt=0, description="Processes that decode uploaded images."
    )
    decode_seconds: float = Field(
        default=5.0, gt=0, description="Maximum seconds to decode one image."
    )
    faces: FaceMode = Field(
        default=FaceMode.KEEP,
        description="What is done about faces in uploaded images: drop hides them from the model; "
        "keep and blur do not, since no upload is stored or shown.",
    )
    vision_workers: int = Field(
        default=1,
        gt=0,
        description="Processes that look into images for /v1/moderate and /v1/read; they start "
        "with the first such request.",
    )
    vision_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Maximum seconds for one image in such a process, its start included.",
    )
    moderate: UploadModeration = Field(
        default=UploadModeration.OFF,
        description="refuse answers 422 picture_refused to uploaded images that may not be fit to "
        "show.",
    )
    drain_seconds: float = Field(
        default=1.0,
        ge=0,
        description="Seconds after SIGTERM in which /readyz answers 503 while requests are still "
        "accepted.",
    )
    allow_url_fetch: bool = Field(default=False, description="Allow images by URL, from any host.")
    url_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="The only hosts that images are fetched from, separated by commas; any "
        "host here allows images by URL.",
    )
    url_seconds: float = Field(
        default=10.0, gt=0, le=120, description="Maximum seconds to fetch a URL."
    )
    private_urls: bool = Field(default=False, description="Allow URLs of private networks too.")

    taxonomies: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="The shop's own taxonomy files, separated by commas; requests name them like "
        "the built-in ones.",
    )

    api_keys: SecretStr = Field(
        default=SecretStr(""),
        description="API keys as NAME:KEY, separated by commas; with any, every request needs one.",
    )
    api_keys_file: Path | None = Field(
        default=None, description="A file of further API keys, one a line."
    )
    open_metrics: bool = Field(default=False, description="Serve /metrics without a key.")
    rate_limit: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="Requests a second of each key, or without keys of each address; 0 for no "
        "limit. Each worker process counts for itself.",
    )
    rate_burst: float = Field(
        default=20.0,
        ge=1,
        le=1e6,
        description="Requests that a caller may make at once after a pause.",
    )
    writable: bool = Field(
        default=False,
        description="Take writes of products, from keys with the scope write; needs API keys.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may call the API, separated by commas; * for all.",
    )
    scrub_megabytes: float = Field(
        default=8.0,
        ge=0,
        le=10_000,
        description="Megabytes a second of the index's files that are read again and compared with "
        "their hashes, in the background; 0 for never.",
    )
    max_connections: int = Field(
        default=4096,
        ge=16,
        le=1_000_000,
        description="Maximum connections of a process, fewer where it may open fewer files. The "
        "longest waiting one makes room for a new one.",
    )
    connections_per_address: int = Field(
        default=1024, ge=1, description="Maximum connections of one address; not of proxies."
    )
    head_seconds: float = Field(
        default=10.0,
        gt=0,
        le=3600,
        description="Maximum seconds in which the head of a request arrives; then 408.",
    )
    body_seconds: float = Field(
        default=10.0,
        gt=0,
        le=3600,
        description="Seconds over which the pace of a body, and of reading an answer, is measured.",
    )
    body_rate: float = Field(
        default=16_384.0,
        ge=0,
        description="Minimum bytes a second of a body, and of reading an answer; then 408.",
    )
    root_path: str = Field(
        default="",
        max_length=200,
        description="Path under which a proxy serves the service, such as /lookalike; links in "
        "answers begin with it.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto "
        "are believed, separated by commas; by default nobody's.",
    )

    log_format: LogFormat = Field(
        default=LogFormat.JSON, description="json for machines, console for people."
    )
    log_queries: bool = Field(default=False, description="Write the texts of queries to the log.")

    @field_validator("url_hosts", "cors_origins", "taxonomies", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("url_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from indexer.image_loading.fetching import normalize_host

        return tuple(normalize_host(host) for host in value)

    @field_validator("root_path")
    @classmethod
    def _root(cls, value: str) -> str:
        names = [name for name in value.strip().split("/") if name]
        if not all(_PATH_NAME.fullmatch(name) and name not in (".", "..") for name in names):
            raise ValueError("give a path of letters, digits and - . _ ~, such as /lookalike")
        if names and names[0] in _OWN_NAMES:
            raise ValueError(f"/{names[0]} begins paths of the service itself; choose another name")
        return "".join(f"/{name}" for name in names)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ipaddress.ip_network(each, strict=False)  # pydantic reports its ValueError
        return value

    @property
    def has_keys(self) -> bool:
        """Whether requests need a key."""
        return self.api_keys_file is not None or bool(self.api_keys.get_secret_value().strip(", "))

    @property
    def fetches_urls(self) -> bool:
        """Whether queries may give images by URL."""
        return self.allow_url_fetch or bool(self.url_hosts)

    @property
    def examination(self) -> Examination:
        """What to look for in uploaded images."""
        held = self.moderate is UploadModeration.REFUSE
        mode = ModerationMode.HOLD if held else ModerationMode.OFF
        return Examination(faces=self.faces, moderation=mode)

    @property
    def image_limits(self) -> ImageLimits:
        """Largest file and most pixels of an image."""
        return ImageLimits(max_bytes=self.max_image_bytes, max_pixels=self.max_image_pixels)


def read_settings(**given: Any) -> Settings:
    """Read the settings of the environment; those given here take precedence.

    Raises:
        ServeError: A setting is invalid; the message names its variable and never quotes it.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        named = [
            {**problem, "loc": (f"LOOKALIKE_{'.'.join(map(str, problem['loc'])).upper()}",)}
            for problem in problems
        ]
        raise ServeError(describe(named)) from None
