"""Ports, paths and addresses of one instance: flags > environment > config/settings.yaml > defaults."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from .errors import ConfigError
from .yaml_file import load_yaml

ROOT = Path(__file__).resolve().parent.parent
Port = Annotated[int, Field(ge=1, le=65535)]
Size = Annotated[str, StringConstraints(pattern=r"^([0-9]{1,6}(\.[0-9]+)?([KMGT]iB)|[0-9]{1,2}(\.[0-9]+)?%)$")]
Level = Annotated[
    Literal["debug", "info", "warning", "error", "critical"],
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
]


def _file() -> Path:
    return Path(os.environ.get("HOTLINE_SETTINGS", ROOT / "config" / "settings.yaml"))


class Settings(BaseSettings):
    """One instance. Every field is also an environment variable HOTLINE_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="HOTLINE_", extra="forbid", frozen=True)

    config_dir: Path = ROOT / "config"
    var_dir: Path = ROOT / "var"
    rootfs: Path | None = Field(None, description="Debian root file system with Asterisk and Redis")

    http_host: str = "127.0.0.1"
    http_port: Port = 8345
    cluster_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s?#@]+/?$")] | None = Field(
        None, description="where the other processes reach this one's console; default: http_host and http_port"
    )

    private_asterisk: bool = Field(True, description="start an Asterisk of our own; false: use ami_host")
    bind: str = Field("127.0.0.1", description="address of SIP, RTP and AMI of the private Asterisk")
    sip_port: Port = 5060
    sip_udp: bool = Field(True, description="SIP over UDP; false: over TLS alone")
    sip_tls_port: Annotated[int, Field(ge=0, le=65535)] = Field(0, description="SIP over TLS (TCP); 0: none")
    sip_tls_ca: Path | None = Field(None, description="CAs of trunks over TLS; default: the system's")
    srtp: Literal["off", "optional", "required"] = Field(
        "off", description="encrypted talk with seats' phones and trunks over TLS; needs sip_tls_port"
    )
    tls_cert: Path | None = Field(
        None, description="PEM, with its chain, of the private Asterisk (AMI, SIP); default: made once under var_dir"
    )
    tls_key: Path | None = Field(None, description="its key, PEM; default: in the file of tls_cert")
    rtp_start: Port = 10000
    rtp_end: Port = 20000
    peers: dict[str, str] = Field(
        {}, description='other Asterisks whose seats are rung: {"hangzhou": "10.0.0.6:5060"}, for phone: 8001@hangzhou'
    )
    switches: dict[
        Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,15}$")],
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+:[0-9]{1,5}$")],
    ] = Field(
        {}, description='further Asterisks with callers of their own, by system name: {"west": "10.0.0.7:5038"}'
    )
    system_name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,15}$")] = Field(
        "hotline", description="systemname of the first Asterisk (asterisk.conf); only needed beside `switches`"
    )
    ami_host: str = "127.0.0.1"
    ami_port: Port = 5038
    ami_user: str = "hotline"
    ami_secret_file: Path | None = Field(None, description="default: made once under var_dir")
    ami_tls: bool = Field(False, description="AMI over TLS; the certificate is always verified")
    ami_tls_ca: Path | None = Field(
        None, description="PEM: the CA of the PBX's certificate, or that certificate itself; default: the system's CAs"
    )
    ami_tls_name: str = Field("", description="name the certificate is for, if it is not ami_host")
    out_trunk: Annotated[str, StringConstraints(pattern=r"^((tls:)?[A-Za-z0-9.-]+:[0-9]{1,5})?$")] = Field(
        "", description="(tls:)host:port where calls to callers go out (回拨); empty: nobody is ever called outside"
    )
    out_trunk_user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@._+-]{0,64}$")] = Field(
        "", description="who we are, if that trunk asks"
    )
    out_trunk_password_file: Path | None = Field(None, description="the password of that user, one line")
    out_endpoint: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,32}$")] = Field(
        "", description="the same on a PBX of your own: its PJSIP endpoint"
    )
    recording_spool: Path | None = Field(None, description="where Asterisk writes raw recordings")

    private_redis: bool = True
    redis_port: Port = 6345
    redis_url: str | None = Field(None, description="your own Redis; switches the private one off")
    journal_format: int = Field(
        0, ge=0, description="newest format of the journal that is written, see docs/upgrade.md; 0: what all read"
    )
    redis_prefix: str = "hotline:"
    node: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,32}$")] = Field(
        "1", description="this process's name among several on one Redis; the same after a restart"
    )
    store_url: str | None = Field(None, description="default: SQLite under var_dir")

    asr_model: Path | None = Field(None, description="directory of a Vosk model; default: the small one")
    spoken_emergency: bool = Field(
        True, description="listen to callers nobody serves yet for words of an emergency (where a line can be rung)"
    )
    asr_workers: Annotated[int, Field(ge=0, le=64)] = 1
    draft_late: Annotated[float, Field(ge=5, le=86400)] = Field(
        60.0, description="seconds after a call's end when its draft is made without words, which are late then"
    )
    backlog_alarm: Annotated[float, Field(ge=5, le=86400)] = Field(
        300.0, description="seconds that a recording may wait to be transcribed before it is an alarm"
    )

    platform_url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s?#@]+)?$")] = Field(
        "", description="where the ticket platform takes messages; empty: none are written"
    )
    platform_token_file: Path | None = Field(None, description="bearer token for it, one line")

    disk_warn: Size = Field("10GiB", description="free space below which it is told: 10GiB, 5%")
    disk_low: Size = Field("4GiB", description="the same: what can be built again is removed")
    disk_critical: Size = Field("1GiB", description="the same: what calls and recordings do not need pauses")

    probe_target: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9.-]+:[0-9]{1,5})?$")] = Field(
        "", description="host:port that `hotline probe` calls; default: our own SIP port"
    )
    probe_number: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,24}$")] = Field(
        "", description="number it dials, whose flow says something and hangs up (docs/doctor.md)"
    )
    probe_caller: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")] = Field(
        "1234500", description="its own number or SIP user, by which its calls are known"
    )
    probe_secret_file: Path | None = Field(None, description="password of that SIP user, if the trunk wants one")
    probe_every: Annotated[float, Field(ge=5, le=86400)] = 60.0
    probe_metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(0, description="of `hotline probe --watch`")

    seat_password_file: Path | None = Field(
        None, description="a secret from which each seat's SIP password is derived (hotline asterisk passwords)"
    )
    seat_password: SecretStr | None = Field(None, description="the same secret, from the environment alone")

    phones: Annotated[int, Field(ge=0, le=64)] = Field(8, description="demo phones that register as seats")
    record: bool = True
    log_level: Level = "info"
    log_file: Path | None = Field(None, description="default: standard error (the demo: var_dir/log)")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, file."""
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=_file())

    @model_validator(mode="after")
    def _ranges(self) -> Settings:
        if self.rtp_end <= self.rtp_start:
            raise ValueError("rtp_end must be greater than rtp_start")
        if self.srtp != "off" and not self.sip_tls_port:
            raise ValueError("srtp needs sip_tls_port: its keys travel in the signalling and would be read there")
        if not self.sip_udp and not self.sip_tls_port:
            raise ValueError("without sip_udp there must be a sip_tls_port, or nobody can call")
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("tls_key belongs to a tls_cert: name that too")
        if self.out_trunk_user and self.out_trunk_password_file is None:
            raise ValueError("out_trunk_user needs out_trunk_password_file")
        return self

    # ------------------------------------------------------------------ derived
    @property
    def rootfs_dir(self) -> Path:
        """Where `make setup` puts Asterisk and Redis."""
        return self.rootfs or ROOT / "var" / "rootfs"

    @property
    def redis(self) -> str:
        """URL of the Redis in use."""
        return self.redis_url or f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def own_url(self) -> str:
        """Where the other processes find this one's console."""
        host = "127.0.0.1" if self.http_host in ("0.0.0.0", "::") else self.http_host
        return self.cluster_url or f"http://{f'[{host}]' if ':' in host else host}:{self.http_port}"

    @property
    def store(self) -> str:
        """URL of the store in use."""
        return self.store_url or f"sqlite:///{(self.var_dir / 'hotline.db').resolve()}"

    @property
    def model_dir(self) -> Path:
        """The recogniser's model."""
        return self.asr_model or self.config_dir / "asr" / "zh-small"

    @property
    def spool(self) -> Path:
        """Raw recordings, written by Asterisk."""
        return (self.recording_spool or self.var_dir / "asterisk" / "spool" / "hotline").resolve()

    @property
    def recordings_dir(self) -> Path:
        """The vault."""
        return (self.var_dir / "recordings").resolve()

    @property
    def prompts_dir(self) -> Path:
        """Built prompts: <lang>/<id>.wav."""
        return (self.var_dir / "prompts").resolve()

    @property
    def outward(self) -> str:
        """The endpoint for calling out; empty: there is none."""
        return self.out_endpoint or ("hotline-out" if self.out_trunk and self.private_asterisk else "")

    @property
    def encrypted(self) -> bool:
        """Whether the private Asterisk needs a certificate."""
        return self.ami_tls or self.sip_tls_port > 0

    @property
    def own_certificate(self) -> Path:
        """The one that is made when `tls_cert` names none; holds its key too."""
        return self.secrets_dir.resolve() / "asterisk.pem"

    @property
    def secrets_dir(self) -> Path:
        """AMI secret and token key, readable by the owner only."""
        return self.var_dir / "secrets"


def _check_file() -> None:
    """The file's own faults, with line and reason: pydantic-settings would show a stack trace."""
    path = _file()
    if not path.exists():
        if "HOTLINE_SETTINGS" in os.environ:
            raise ConfigError(f"{path}: no such file", "HOTLINE_SETTINGS names it: correct or unset it")
        return
    located = load_yaml(path)
    if located.data is None:
        return  # comments only, as shipped
    if not isinstance(located.data, dict):
        raise ConfigError(f"{path}:1: the file must be a mapping (http_port: 8345 …)", "see config/settings.yaml")
    faults = []
    for key in located.data:
        if key == "seat_password":
            line = located.line([str(key)])
            faults.append(f"{path}:{line}: {key}: a secret is not written here; name its file: seat_password_file")
        elif key not in Settings.model_fields:
            near = difflib.get_close_matches(str(key), list(Settings.model_fields), 1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            faults.append(f"{path}:{located.line([str(key)])}: {key}: no such setting{hint}")
    if faults:
        raise ConfigError("\n".join(faults), "hotline settings shows all there are")


def load_settings(**flags: Any) -> Settings:
    """Flags that are None are left to the other sources. Raises ConfigError."""
    _check_file()
    try:
        return Settings(**{k: v for k, v in flags.items() if v is not None})
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_url=False, include_input=False):
            name = ".".join(str(x) for x in fault["loc"])
            reason = fault["msg"].removeprefix("Value error, ")
            lines.append(f"setting '{name}': {reason}" if name else f"settings: {reason}")
        fix = "see config/settings.yaml, HOTLINE_… variables and 'hotline run --help'"
        raise ConfigError("\n".join(lines), fix) from None
