"""Settings: one typed value, read once at the edge from LOOKALIKE_* variables and flags."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from embeddings.images import ImageLimits
from indexer.image_loading.fetching import clean_host
from search_api.service.errors import ServeError, describe

__all__ = ["LogFormat", "Settings", "read_settings"]


class LogFormat(StrEnum):
    """How a line looks."""

    JSON = "json"
    CONSOLE = "console"


class Settings(BaseSettings):
    """How the service behaves; every field can be set as LOOKALIKE_NAME in the environment."""

    # An error must not quote what was given: it may be a key.
    model_config = SettingsConfigDict(
        env_prefix="LOOKALIKE_", frozen=True, hide_input_in_errors=True
    )

    max_body_bytes: int = Field(
        default=28 * 2**20,
        gt=0,
        description="Largest request body; a picture in base64 is a third larger than its file.",
    )
    max_image_bytes: int = Field(default=20 * 2**20, gt=0, description="Largest picture file.")
    max_image_pixels: int = Field(
        default=50_000_000,
        gt=0,
        le=89_478_485,  # where Pillow's own guard begins
        description="Most pixels a picture may declare.",
    )
    threads: int = Field(default=4, gt=0, description="Requests worked on at the same time.")
    deadline_seconds: float = Field(
        default=10.0, gt=0, description="Longest that a query may wait, be embedded and searched."
    )
    under_way: int = Field(
        default=32,
        gt=0,
        description="Searches and taggings worked on or waiting at the same time; then 503.",
    )
    under_way_crowded: int = Field(
        default=12,
        gt=0,
        description="The same while some are refused, so that those let in wait less; enough to "
        "keep the decoders and the model at work.",
    )
    queue_size: int = Field(
        default=32,
        gt=0,
        description="Pictures, and likewise texts, that may wait for the model; then 503.",
    )
    side_by_side: bool = Field(
        default=False,
        description="Waiting batches go side by side, each on one processor: more answers where "
        "the service is always busy, and lone requests take longer.",
    )
    batch_wait_ms: float = Field(
        default=2.0, ge=0, description="Longest that a batch waits for more under load."
    )
    text_cache: int = Field(
        default=10_000, ge=0, description="Texts whose vectors are kept, of a kilobyte each."
    )
    decode_workers: int = Field(
        default=2, gt=0, description="Processes that decode uploaded pictures."
    )
    decode_seconds: float = Field(
        default=5.0, gt=0, description="Longest that decoding one picture may take."
    )
    drain_seconds: float = Field(
        default=1.0,
        ge=0,
        description="How long after SIGTERM /readyz says 503 while requests are still taken.",
    )
    allow_url_fetch: bool = Field(
        default=False, description="Whether queries may give a picture by URL, from any host."
    )
    url_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="The only hosts that pictures are fetched from, with commas between them; "
        "naming any allows fetching.",
    )
    url_seconds: float = Field(default=10.0, gt=0, le=120, description="Longest fetch of a URL.")
    private_urls: bool = Field(
        default=False, description="Whether fetches may go to inner networks too."
    )

    taxonomies: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Taxonomy files of the shop's own, with commas between them; pictures can be "
        "tagged by their names, beside the built-in ones.",
    )

    api_keys: SecretStr = Field(
        default=SecretStr(""),
        description="NAME:KEY, with commas between several; with any, requests need one of them.",
    )
    api_keys_file: Path | None = Field(
        default=None, description="A file of such keys, one a line, beside those given."
    )
    open_metrics: bool = Field(
        default=False, description="Whether /metrics needs no key, where there are keys."
    )
    rate_limit: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="Requests a second that each key, or without keys each address, may go on "
        "with; 0 for any number.",
    )
    rate_burst: float = Field(
        default=20.0, ge=1, le=1e6, description="Requests one who was quiet may make at once."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may call the API, with commas between them; * for all.",
    )
    log_format: LogFormat = Field(
        default=LogFormat.JSON, description="json for machines, console for people."
    )
    log_queries: bool = Field(
        default=False, description="Whether the log has the texts that were searched for."
    )

    @field_validator("url_hosts", "cors_origins", "taxonomies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip() for host in value.split(",") if host.strip())
        return value

    @field_validator("url_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(clean_host(host) for host in value)

    @property
    def has_keys(self) -> bool:
        """Whether callers need a key."""
        return self.api_keys_file is not None or bool(self.api_keys.get_secret_value().strip(", "))

    @property
    def fetches_urls(self) -> bool:
        """Whether queries may give a picture by URL."""
        return self.allow_url_fetch or bool(self.url_hosts)

    @property
    def image_limits(self) -> ImageLimits:
        """What an uploaded picture may weigh and measure."""
        return ImageLimits(max_bytes=self.max_image_bytes, max_pixels=self.max_image_pixels)


def read_settings(**given: Any) -> Settings:
    """The settings of the environment, under those given here.

    Raises:
        ServeError: One is wrong; the message names its variable and never quotes it.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        named = [
            {**problem, "loc": ("", f"LOOKALIKE_{'.'.join(map(str, problem['loc'])).upper()}")}
            for problem in problems
        ]
        raise ServeError(describe(named)) from None
