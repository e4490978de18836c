"""The settings of an installation, read once at the door: environment variables with the prefix ``STRONGROOM_``.

None is needed on one machine. A secret may be given in a file instead (``..._FILE``), which is what containers do.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.objects.settings import S3Settings
from vault.errors import SettingsWrong

MIB = 1024 * 1024


class Settings(BaseSettings):
    """Where things are and how they are reached."""

    model_config = SettingsConfigDict(env_prefix="STRONGROOM_", extra="ignore", frozen=True)

    home: Path = Field(default_factory=lambda: platformdirs.user_data_path("strongroom"))
    """The folder of this installation: catalogue, embedded store, logs. Everything in it is sealed or opaque."""
    keeper_folder: Path | None = None
    """Where the root keeper's file is; by default beside the home (``<home>-keeper``), never in it."""
    keeper_key_file: Path | None = None
    """A file whose content unlocks the root keeper; by default a random one in the keeper's folder."""
    catalogue_url: str | None = None
    """A SQLAlchemy URL (``postgresql+psycopg://...``); by default SQLite in the home."""
    s3_endpoint: str | None = None
    """An S3 endpoint; by default the embedded store."""
    s3_bucket: str = "strongroom"
    s3_region: str = "us-east-1"
    s3_path_style: bool = True
    s3_ca_bundle: Path | None = None
    s3_access_key: SecretStr | None = None
    s3_access_key_file: Path | None = None
    s3_secret_key: SecretStr | None = None
    s3_secret_key_file: Path | None = None
    s3_operator_access_key: SecretStr | None = None
    s3_operator_access_key_file: Path | None = None
    s3_operator_secret_key: SecretStr | None = None
    s3_operator_secret_key_file: Path | None = None
    listen: str = "127.0.0.1:8630"
    """HOST:PORT of the pages."""
    public_url: str | None = None
    """The address by which people reach the pages, where that is not ``listen`` (behind a proxy with TLS)."""
    upload_bytes_max: int = Field(default=1024 * 1024 * MIB, gt=0)
    """The largest file that is taken, in bytes."""

    @field_validator("listen")
    @classmethod
    def _listen_is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
            raise ValueError("reads HOST:PORT, like 127.0.0.1:8630")
        return value

    @field_validator("public_url")
    @classmethod
    def _public_url_is_an_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            whole = bool(parts.hostname) and (parts.port or 0) >= 0
        except ValueError:
            whole = False
        if (
            not whole
            or parts.scheme not in ("http", "https")
            or parts.path not in ("", "/")
            or "?" in value
            or "#" in value
        ):
            raise ValueError("reads like https://records.example.org")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _endpoint_has_keys(self) -> Self:
        if self.s3_endpoint is not None:
            for name in ("s3_access_key", "s3_secret_key"):
                if getattr(self, name) is None and getattr(self, f"{name}_file") is None:
                    raise ValueError(f"an S3 endpoint needs {name} or {name}_file")
        return self

    @model_validator(mode="after")
    def _keeper_is_outside_the_home(self) -> Self:
        home = self.home.absolute()
        for name in ("keeper_folder", "keeper_key_file"):
            path: Path | None = getattr(self, name)
            if path is not None and path.absolute().is_relative_to(home):
                raise ValueError(f"{name} is in the home, and so in every copy of it; keep the root key elsewhere")
        return self

    @property
    def host(self) -> str:
        """The interface that the pages listen on."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port that the pages listen on."""
        return int(self.listen.rpartition(":")[2])

    @property
    def address(self) -> str:
        """The address by which people reach the pages."""
        return self.public_url or f"http://{self.listen}"

    @property
    def keeper(self) -> Path:
        """The root keeper's folder."""
        return self.keeper_folder or self.home.with_name(self.home.name + "-keeper")

    @property
    def database_url(self) -> str:
        """The catalogue's SQLAlchemy URL."""
        return self.catalogue_url or f"sqlite:///{self.home.absolute() / 'catalogue.sqlite'}"

    def s3(self) -> S3Settings | None:
        """The application's view of the outside store; None with the embedded one. Raises ``SettingsWrong``."""
        return self._s3_as("s3_access_key", "s3_secret_key")

    def s3_operator(self) -> S3Settings | None:
        """The operator's view of the outside store; None with the embedded one, or where no such keys are set."""
        if self.s3_operator_access_key is None and self.s3_operator_access_key_file is None:
            return None
        return self._s3_as("s3_operator_access_key", "s3_operator_secret_key")

    def _s3_as(self, access_key: str, secret_key: str) -> S3Settings | None:
        if self.s3_endpoint is None:
            return None
        return S3Settings(
            endpoint_url=self.s3_endpoint,
            bucket=self.s3_bucket,
            access_key=self._secret(access_key),
            secret_key=self._secret(secret_key),
            region=self.s3_region,
            path_style=self.s3_path_style,
            ca_bundle=self.s3_ca_bundle,
        )

    def _secret(self, name: str) -> str:
        given: SecretStr | None = getattr(self, name)
        if given is not None:
            return given.get_secret_value()
        path: Path | None = getattr(self, f"{name}_file")
        variable = f"STRONGROOM_{name.upper()}"
        if path is None:
            raise SettingsWrong(f"{variable} is missing; set it, or {variable}_FILE")
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except OSError as exc:
            raise SettingsWrong(f"{variable}_FILE cannot be read: {exc.strerror}") from exc
        except UnicodeDecodeError as exc:
            raise SettingsWrong(f"{variable}_FILE is not text in UTF-8; write the secret into it") from exc
        if not secret:
            raise SettingsWrong(f"{variable}_FILE is empty; write the secret into it")
        return secret


def load_settings(**given: object) -> Settings:
    """The settings from the environment, ``given`` ones before them. Raises ``SettingsWrong`` naming each one."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # validated
    except ValidationError as exc:
        wrong = "; ".join(f"{_variable(error['loc'])}{error['msg']}" for error in exc.errors())
        # Not from exc: pydantic's error repeats what was given, and a secret may be among it.
        raise SettingsWrong(f"settings are wrong: {wrong}") from None


def _variable(location: tuple[int | str, ...]) -> str:
    return f"STRONGROOM_{'_'.join(map(str, location)).upper()}: " if location else ""
