"""Settings of the places where a deployment keeps things: the home, the database, the lake, the signed heads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from cjp_fraud.config_values import FROM_THE_ENVIRONMENT, Json, NotEmpty

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "file")
"""Schemes of a lake's URL."""


class StorageSettings(BaseSettings):
    """The places, validated; they are read as part of :class:`cjp_fraud.config.Settings`."""

    model_config = FROM_THE_ENVIRONMENT

    home: Annotated[Path, NotEmpty] = Field(
        Path("var"), description="folder of the embedded database, lake, models and outbox"
    )
    database_url: SecretStr | None = Field(None, description="SQLAlchemy URL; SQLite in the home by default")
    lake_url: Annotated[str | None, NotEmpty] = Field(
        None, description="folder or object-store URL of the lake; in the home by default"
    )
    lake_storage_options: Annotated[dict[str, SecretStr], *Json] = Field(
        default_factory=dict, description="object-store options"
    )
    lake_buckets: Annotated[int, Field(ge=1, le=4096)] = Field(
        16, description="tenant buckets, fixed at init"
    )
    grid_seconds: int = Field(300, description="grid of the traffic table, seconds, divides an hour")

    heads_url: Annotated[str | None, NotEmpty] = Field(
        None, description="second place of signed heads: folder or fsspec URL; heads/ in the home by default"
    )
    heads_storage_options: Annotated[dict[str, SecretStr], *Json] = Field(
        default_factory=dict, description="options of its file system, in fsspec's names"
    )
    heads_mail_to: Annotated[str | None, NotEmpty] = Field(
        None, description="address that signed heads are mailed to (counsel)"
    )

    @field_validator("grid_seconds")
    @classmethod
    def _divides_an_hour(cls, seconds: int) -> int:
        if not 60 <= seconds <= 3600 or 3600 % seconds:
            raise ValueError(f"grid_seconds is {seconds}; it must divide an hour and be 60 to 3600")
        return seconds

    @field_validator("lake_url")
    @classmethod
    def _is_a_folder_or_an_object_store(cls, url: str | None) -> str | None:
        if url is None or not re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url):
            return url
        parts = urlsplit(url)
        if "://" not in url or not (parts.netloc or parts.scheme == "file"):
            raise ValueError(
                "not a lake's URL; write s3://BUCKET/FOLDER, or ./NAME for a folder with a colon"
            )
        if parts.scheme not in OBJECT_STORES:
            raise ValueError(
                f"{parts.scheme}:// is no known object store; use one of {', '.join(OBJECT_STORES)}"
            )
        return url

    @field_validator("database_url")
    @classmethod
    def _is_a_database_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            from sqlalchemy.engine import make_url  # inside: rules import this module and need no database
            from sqlalchemy.exc import ArgumentError

            try:
                backend = make_url(url.get_secret_value()).get_backend_name()
            except ArgumentError:
                raise ValueError(
                    "not a SQLAlchemy URL (sqlite:///FILE or postgresql+psycopg://...)"
                ) from None
            if backend not in ("sqlite", "postgresql"):
                raise ValueError(f"database {backend!r} is not served; use sqlite or postgresql+psycopg")
        return url

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force, with its password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home / 'cjp_fraud.db'}"

    @property
    def lake(self) -> str:
        """Folder or URL of the lake in force."""
        return self.lake_url or str(self.home / "lake")

    @property
    def heads(self) -> str:
        """Folder or URL of the second place of signed heads in force."""
        return self.heads_url or str(self.home / "heads")

    @property
    def heads_are_beside_the_database(self) -> bool:
        """Whether that place lies in the home, where whoever rewrites the log can remove it too."""
        folder = self.heads.removeprefix("file://")
        return "://" not in folder and Path(folder).resolve().is_relative_to(self.home.resolve())

    @property
    def key_folder(self) -> Path:
        """Folder of the keys that sign the head of the log."""
        return self.home / "keys"

    @property
    def model_folder(self) -> Path:
        """Folder of the stored model versions."""
        return self.home / "models"
