"""Settings: one typed value, read once at the edge from LOOKALIKE_* variables and flags."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from embeddings.images import ImageLimits

__all__ = ["Settings"]


class Settings(BaseSettings):
    """How the service behaves; every field can be set as LOOKALIKE_NAME in the environment."""

    model_config = SettingsConfigDict(env_prefix="LOOKALIKE_", frozen=True)

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

    @property
    def image_limits(self) -> ImageLimits:
        """What an uploaded picture may weigh and measure."""
        return ImageLimits(max_bytes=self.max_image_bytes, max_pixels=self.max_image_pixels)
