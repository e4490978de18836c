"""The settings of an installation, read once at the door: environment variables with the prefix ``STRONGROOM_``.

None is needed on one machine. A secret may be given in a file instead (``..._FILE``), which is what containers do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from storage.identity.settings import ProviderSettings
from storage.keeper.listing import DEFAULT, SecretFrom, SecretSource, read_list
from storage.keeper.settings import KeeperSettings
from storage.objects.settings import S3Settings
from vault.errors import InvalidInput, SettingsWrong
from vault.fonds import checked_code
from vault.ids import FondsCode

MIB = 1024 * 1024
FONDS: Final = "fonds"
"""Under which further fonds have theirs: in the home, in the keeper's folder, in the backup place and in addresses."""
KEEPER_VARIABLE: Final = "STRONGROOM_KEEPER_SECRET_"
"""What the names of variables begin with that hold a keeper's passphrase or PIN."""
_SECRET_BYTES_MAX: Final = 4096


def _keeper_variables() -> dict[str, SecretStr]:
    return {name: SecretStr(value) for name, value in os.environ.items() if name.startswith(KEEPER_VARIABLE)}


class Settings(BaseSettings):
    """Where things are and how they are reached."""

    model_config = SettingsConfigDict(env_prefix="STRONGROOM_", extra="ignore", frozen=True)

    home: Path = Field(default_factory=lambda: platformdirs.user_data_path("strongroom"))
    """The folder of this installation: catalogue, embedded store, logs. Everything in it is sealed or opaque."""
    fonds: FondsCode | None = None
    """The code of the fonds that is meant; by default the first, whose home is the vault's own."""
    keeper_folder: Path | None = None
    """Where the root keeper's file is; by default beside the home (``<home>-keeper``), never in it."""
    keeper_key_file: Path | None = None
    """A file whose content unlocks the root keeper; by default a random one in the keeper's folder."""
    keeper_passphrase_file: Path | None = None
    """A file whose first line is the root keeper's passphrase, in place of a key."""
    keeper_passphrase_fd: int | None = Field(default=None, ge=0)
    """An inherited descriptor whose first line is the root keeper's passphrase, in place of a key."""
    keeper_variables: dict[str, SecretStr] = Field(default_factory=_keeper_variables, repr=False)
    """The variables by whose names the list of keepers may call for secrets."""
    keeper_answers: dict[str, SecretStr] = Field(default_factory=dict, repr=False)
    """What a person at the terminal gave, by the keeper's name."""
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
    backup_folder: Path | None = None
    """A folder on another disk where backups are kept; it has to exist."""
    backup_s3_endpoint: str | None = None
    """An S3 endpoint where backups are kept instead, in a bucket of its own with versioning."""
    backup_s3_bucket: str = "strongroom-backup"
    backup_s3_region: str = "us-east-1"
    backup_s3_path_style: bool = True
    backup_s3_ca_bundle: Path | None = None
    backup_s3_access_key: SecretStr | None = None
    backup_s3_access_key_file: Path | None = None
    backup_s3_secret_key: SecretStr | None = None
    backup_s3_secret_key_file: Path | None = None
    backup_every_hours: float = Field(default=24.0, gt=0)
    """How often upkeep takes a backup, once there is one."""
    backups_kept: int = Field(default=14, ge=1)
    """How many dumps of the catalogue are kept; ciphertext is kept once."""
    drill_every_days: float = Field(default=7.0, gt=0)
    """How often upkeep proves that the newest backup comes back."""
    webhook_networks: str = ""
    """Networks (CIDR, with commas between) that webhooks may reach although they are not on the internet."""
    tsa_url: str | None = None
    """A time stamping authority (RFC 3161) that checkpoints of the log are shown to; none by default."""
    tsa_roots: Path | None = None
    """Certificates (PEM) that the authority's lead to."""
    tsa_every_hours: float = Field(default=1.0, gt=0)
    """How often upkeep asks for a stamp, where the log has grown."""
    index_folder: Path | None = None
    """Memory-backed storage (tmpfs) for the search index; by default the first of the machine's own (``/dev/shm``)."""
    oidc_issuer: str | None = None
    """The issuer of the provider of OpenID Connect by which people may sign in, exactly as it writes itself."""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_client_secret_file: Path | None = None
    oidc_name: str | None = None
    """What the provider is called on the sign-in page; by default its host."""
    oidc_scopes: str = "openid profile"
    oidc_groups_claim: str = "groups"
    """The claim that lists somebody's groups there."""
    oidc_hosts: str = ""
    """Hosts of its endpoints beside the issuer's own, divided by commas."""
    oidc_ca_bundle: Path | None = None
    listen: str = "127.0.0.1:8630"
    """HOST:PORT of the pages."""
    public_url: str | None = None
    """The address by which people reach the pages, where that is not ``listen`` (behind a proxy with TLS)."""
    upload_bytes_max: int = Field(default=1024 * 1024 * MIB, gt=0)
    """The largest file that is taken, in bytes."""

    @field_validator("fonds")
    @classmethod
    def _fonds_is_a_code(cls, value: str | None) -> FondsCode | None:
        try:
            return None if value is None else checked_code(value)
        except InvalidInput as exc:
            raise ValueError(exc.message) from exc

    @field_validator("listen")
    @classmethod
    def _listen_is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
            raise ValueError("reads HOST:PORT, like 127.0.0.1:8630")
        return value

    @field_validator("webhook_networks")
    @classmethod
    def _networks_are_networks(cls, value: str) -> str:
        try:
            _networks(value)
        except ValueError:
            raise ValueError("reads like 10.1.0.0/16,fd00:7::/32") from None
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

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer_is_an_issuer(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            host = parts.hostname or ""
        except ValueError:
            host = ""
        if not host or parts.scheme not in ("http", "https") or "?" in value or "#" in value or "@" in parts.netloc:
            raise ValueError("reads like https://login.example.org")
        if parts.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("is asked over https; only a provider on this machine may do without")
        return value

    @field_validator("oidc_scopes")
    @classmethod
    def _scopes_ask_for_identity(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError("names the scope openid among others, like 'openid profile groups'")
        return " ".join(value.split())

    @model_validator(mode="after")
    def _provider_knows_us(self) -> Self:
        if self.oidc_issuer is not None and not self.oidc_client_id:
            raise ValueError("oidc_issuer needs oidc_client_id: what the provider calls this vault")
        return self

    @model_validator(mode="after")
    def _endpoint_has_keys(self) -> Self:
        if self.s3_endpoint is not None:
            for name in ("s3_access_key", "s3_secret_key"):
                if getattr(self, name) is None and getattr(self, f"{name}_file") is None:
                    raise ValueError(f"an S3 endpoint needs {name} or {name}_file")
        return self

    @model_validator(mode="after")
    def _authority_has_roots(self) -> Self:
        if (self.tsa_url is None) != (self.tsa_roots is None):
            raise ValueError(
                "tsa_url and tsa_roots belong together: a stamp that nobody checks proves nothing; set both"
            )
        if self.tsa_url is not None and not re.match(r"https?://[^/\s]", self.tsa_url):
            raise ValueError("tsa_url reads like https://stamps.example.org/tsr")
        return self

    @model_validator(mode="after")
    def _backups_are_apart(self) -> Self:
        if self.backup_folder is not None and self.backup_s3_endpoint is not None:
            raise ValueError("backup_folder and backup_s3_endpoint are both set; set one")
        if self.backup_s3_endpoint is not None:
            for name in ("backup_s3_access_key", "backup_s3_secret_key"):
                if getattr(self, name) is None and getattr(self, f"{name}_file") is None:
                    raise ValueError(f"an S3 endpoint for backups needs {name} or {name}_file")
            if (self.backup_s3_endpoint, self.backup_s3_bucket) == (self.s3_endpoint, self.s3_bucket):
                raise ValueError("backups go to the bucket that they are backups of; set another one")
        if self.backup_folder is not None:
            folder = self.backup_folder.absolute()
            for place in (self.home.absolute(), self.keeper.absolute()):
                if folder.is_relative_to(place) or place.is_relative_to(folder):
                    raise ValueError(
                        "backup_folder lies in the home or the keeper's folder, or they in it; set another"
                    )
        return self

    @model_validator(mode="after")
    def _keeper_is_outside_the_home(self) -> Self:
        home = self.home.absolute()
        for name in ("keeper_folder", "keeper_key_file", "keeper_passphrase_file"):
            path: Path | None = getattr(self, name)
            if path is not None and path.absolute().is_relative_to(home):
                raise ValueError(f"{name} is in the home, and so in every copy of it; keep the root key elsewhere")
        return self

    @model_validator(mode="after")
    def _keeper_is_unlocked_one_way(self) -> Self:
        ways = (self.keeper_key_file, self.keeper_passphrase_file, self.keeper_passphrase_fd)
        if sum(way is not None for way in ways) > 1:
            raise ValueError("give one of keeper_key_file, keeper_passphrase_file and keeper_passphrase_fd")
        return self

    @property
    def webhook_reach(self) -> Sequence[IPv4Network | IPv6Network]:
        """The networks that webhooks may reach besides the internet."""
        return _networks(self.webhook_networks)

    @property
    def host(self) -> str:
        """The interface that the pages listen on."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port that the pages listen on."""
        return int(self.listen.rpartition(":")[2])

    @property
    def path_prefix(self) -> str:
        """What the paths of this fonds's pages begin with; nothing for the first."""
        return f"/{FONDS}/{self.fonds}" if self.fonds is not None else ""

    @property
    def vault_home(self) -> Path:
        """The home of the vault's first fonds, in which those of all others are."""
        return self.home if self.fonds is None else self.home.parents[1]

    @property
    def address(self) -> str:
        """The address by which people reach the pages of this fonds, where it is served by these settings."""
        return (self.public_url or f"http://{self.listen}") + self.path_prefix

    @property
    def keeper(self) -> Path:
        """The root keeper's folder."""
        return self.keeper_folder or self.home.with_name(self.home.name + "-keeper")

    @property
    def database_url(self) -> str:
        """The catalogue's SQLAlchemy URL."""
        return self.catalogue_url or f"sqlite:///{self.home.absolute() / 'catalogue.sqlite'}"

    def of_fonds(self, code: FondsCode) -> Settings:
        """The settings of a further fonds of the vault whose first fonds has these: the same address, store server and
        ways to unlock, and a home, keepers, a catalogue, a bucket and a backup place of its own. What a person
        answered for the first's keepers is no answer for its own.

        Raises ``SettingsWrong``.
        """
        if self.backup_s3_endpoint is not None and self.backup_s3_endpoint == self.s3_endpoint:
            for mine, its in ((self.backup_s3_bucket, self.s3_bucket), (self.s3_bucket, self.backup_s3_bucket)):
                if mine == f"{its}-{code}":
                    raise SettingsWrong(
                        f"the bucket of the fonds {code} would be {mine}, which the first has; use another code"
                    )
        return self.model_copy(
            update={
                "fonds": code,
                "home": self.home / FONDS / code,
                "keeper_folder": self.keeper / FONDS / code,
                "keeper_answers": {},
                "catalogue_url": _beside(self.catalogue_url, code) if self.catalogue_url is not None else None,
                "s3_bucket": f"{self.s3_bucket}-{code}",
                "backup_folder": self.backup_folder / FONDS / code if self.backup_folder is not None else None,
                "backup_s3_bucket": f"{self.backup_s3_bucket}-{code}",
            }
        )

    def keepers(self, *more: SecretSource) -> KeeperSettings:
        """What the root keepers have to know, with the secrets of descriptors and variables that the list, or
        ``more``, calls for. Raises ``SettingsWrong``."""
        home = self.home.absolute()
        given = {
            SecretSource(come_from=SecretFrom.TERMINAL, at=name).key: answer.get_secret_value()
            for name, answer in self.keeper_answers.items()
        }
        if self.keeper_passphrase_fd is not None:
            key = SecretSource(come_from=SecretFrom.TERMINAL, at=DEFAULT.name).key
            given[key] = _secret_at(self.keeper_passphrase_fd, "STRONGROOM_KEEPER_PASSPHRASE_FD")
        listed = read_list(home)
        named = [spec.secret for spec in (*listed.keepers, *listed.lost) if spec.secret is not None]
        for source in (*named, *more):
            if source.come_from is SecretFrom.VARIABLE and source.at in self.keeper_variables:
                given[source.key] = self.keeper_variables[source.at].get_secret_value()
            if source.come_from is SecretFrom.DESCRIPTOR and _is_open(int(source.at)):
                given[source.key] = _secret_at(int(source.at), "a keeper's passphrase or PIN")
        return KeeperSettings(
            home=str(home),
            folder=str(self.keeper.absolute()),
            key_file=str(self.keeper_key_file.absolute()) if self.keeper_key_file is not None else None,
            passphrase_file=(
                str(self.keeper_passphrase_file.absolute()) if self.keeper_passphrase_file is not None else None
            ),
            given=given,
        )

    def s3(self) -> S3Settings | None:
        """The application's view of the outside store; None with the embedded one. Raises ``SettingsWrong``."""
        return self._s3_as("s3_access_key", "s3_secret_key")

    def s3_operator(self) -> S3Settings | None:
        """The operator's view of the outside store; None with the embedded one, or where no such keys are set."""
        if self.s3_operator_access_key is None and self.s3_operator_access_key_file is None:
            return None
        return self._s3_as("s3_operator_access_key", "s3_operator_secret_key")

    def backup_s3(self) -> S3Settings | None:
        """The bucket where backups are kept; None where none is set. Raises ``SettingsWrong``."""
        if self.backup_s3_endpoint is None:
            return None
        return S3Settings(
            endpoint_url=self.backup_s3_endpoint,
            bucket=self.backup_s3_bucket,
            access_key=self._secret("backup_s3_access_key"),
            secret_key=self._secret("backup_s3_secret_key"),
            region=self.backup_s3_region,
            path_style=self.backup_s3_path_style,
            ca_bundle=self.backup_s3_ca_bundle,
        )

    def provider(self) -> ProviderSettings | None:
        """The provider of OpenID Connect; None where none is set. Raises ``SettingsWrong``."""
        if self.oidc_issuer is None or self.oidc_client_id is None:
            return None
        has_secret = self.oidc_client_secret is not None or self.oidc_client_secret_file is not None
        return ProviderSettings(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            secret=self._secret("oidc_client_secret") if has_secret else None,
            name=self.oidc_name or urlsplit(self.oidc_issuer).hostname or self.oidc_issuer,
            scopes=self.oidc_scopes,
            groups_claim=self.oidc_groups_claim,
            hosts=frozenset(host.strip().lower() for host in self.oidc_hosts.split(",") if host.strip()),
            ca_bundle=self.oidc_ca_bundle,
        )

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


def _networks(text: str) -> Sequence[IPv4Network | IPv6Network]:
    return [ip_network(each.strip()) for each in text.split(",") if each.strip()]


def _beside(catalogue_url: str, code: FondsCode) -> str:
    """The database of a further fonds on the server of the first's."""
    try:
        url = make_url(catalogue_url)
    except ArgumentError:
        raise SettingsWrong("the catalogue's address is not a database URL; write sqlite:///PATH") from None
    if not url.database:
        raise SettingsWrong("the catalogue's address names no database; end it with /NAME")
    return url.set(database=f"{url.database}_{code}").render_as_string(hide_password=False)


def load_settings(**given: object) -> Settings:
    """The settings from the environment, ``given`` ones before them: those of the fonds that ``fonds`` names, else of
    the first. Raises ``SettingsWrong`` naming each one that is wrong."""
    settings = _load(**given)
    return settings if settings.fonds is None else settings.of_fonds(settings.fonds)


def _load(**given: object) -> Settings:
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # validated
    except ValidationError as exc:
        wrong = "; ".join(f"{_variable(error['loc'])}{error['msg']}" for error in exc.errors())
        # Not from exc: pydantic's error repeats what was given, and a secret may be among it.
        raise SettingsWrong(f"settings are wrong: {wrong}") from None


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@lru_cache(maxsize=64)
def _secret_at(descriptor: int, what: str) -> str:
    """The first line of a descriptor; once a process, for a pipe gives it once."""
    content = b""
    try:
        while b"\n" not in content and len(content) < _SECRET_BYTES_MAX:
            block = os.read(descriptor, _SECRET_BYTES_MAX)
            if not block:
                break
            content += block
    except OSError as exc:
        raise SettingsWrong(f"{what}: descriptor {descriptor} cannot be read ({exc.strerror})") from exc
    try:
        secret = content.split(b"\n")[0].decode("utf-8").rstrip("\r")
    except UnicodeDecodeError as exc:
        raise SettingsWrong(f"{what}: descriptor {descriptor} does not give text in UTF-8") from exc
    if not secret:
        raise SettingsWrong(f"{what}: descriptor {descriptor} gives nothing; write the secret and a line's end into it")
    return secret


def _variable(location: tuple[int | str, ...]) -> str:
    return f"STRONGROOM_{'_'.join(map(str, location)).upper()}: " if location else ""
