"""Secrets come from files or the environment, each seat has its own password, and nothing shows them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

import telephony
from service import certificates
from service.cli import app
from service.config import load_config
from service.doctor_secure import encryption
from service.errors import ConfigError
from service.passwords import derived, read_secret, seat_password, seat_secret
from service.pbx import ami_tls, certificate, line_trunks, private_asterisk
from service.settings import ROOT, load_settings

SECRET = "a-secret-of-the-seats-0123456789"
CONFIG = ROOT / "config"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "seats"
    path.write_text(SECRET + "\n")
    return path


def test_each_seat_has_a_password_of_its_own_that_says_nothing_of_anothers() -> None:
    words = {derived(SECRET, f"80{n:02}") for n in range(100)}
    assert len(words) == 100 and all(len(x) == 24 and x.isalnum() and x.isascii() for x in words)
    assert derived(SECRET, "8001") == derived(SECRET, "8001") != derived(SECRET + "x", "8001")


def test_without_a_secret_the_demonstrations_passwords_hold(tmp_path: Path, file: Path) -> None:
    config = load_config(CONFIG / "hotline.yaml")
    assert seat_password("8001", config, load_settings(var_dir=tmp_path)) == "demo-8001"
    with_file = load_settings(var_dir=tmp_path, seat_password_file=file)
    assert seat_password("8001", config, with_file) == derived(SECRET, "8001")


def test_the_environment_gives_it_too_and_the_settings_file_must_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_SEAT_PASSWORD", SECRET)
    settings = load_settings(var_dir=tmp_path)
    assert seat_secret(settings) == SECRET
    assert SECRET not in repr(settings) + str(settings.model_dump()) + settings.model_dump_json()
    monkeypatch.delenv("HOTLINE_SEAT_PASSWORD")
    written = tmp_path / "settings.yaml"
    written.write_text(f"http_port: 8345\nseat_password: {SECRET}\n")
    monkeypatch.setenv("HOTLINE_SETTINGS", str(written))
    with pytest.raises(ConfigError, match=r"settings\.yaml:2: seat_password: .*seat_password_file") as refused:
        load_settings()
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("content", [None, "", "\n", "two\nlines-of-it\n", "口令" * 10])
def test_a_file_that_holds_no_secret_is_named_and_never_shown(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="secret") as refused:
        read_secret(path, "police")
    assert str(path) in str(refused.value)
    assert not (content or "").strip() or str(content).strip() not in str(refused.value)


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("fifteen-letters")
    with pytest.raises(ConfigError, match="less than 16"):
        seat_secret(load_settings(var_dir=tmp_path, seat_password_file=path))


def test_trunks_passwords_come_from_their_files_and_no_text_or_listing_shows_any(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config_dir = tmp_path / "config"
    config_dir.mkdir()
    for entry in CONFIG.iterdir():
        if entry.name != "directory.yaml":
            (config_dir / entry.name).symlink_to(entry)
    trunk_file, out_file = tmp_path / "police", tmp_path / "out"
    trunk_file.write_text("police-password\n")
    out_file.write_text("out-password\n")
    trunk = f'trunks: {{police: {{contact: "10.0.0.7:5060", user: us, password_file: "{trunk_file}", register: true}}}}'
    shipped = (CONFIG / "directory.yaml").read_text(encoding="utf-8")
    (config_dir / "directory.yaml").write_text(shipped.replace("trunks: {}", trunk, 1), encoding="utf-8")
    values = {
        "HOTLINE_CONFIG_DIR": config_dir, "HOTLINE_VAR_DIR": tmp_path / "var", "HOTLINE_SEAT_PASSWORD_FILE": file,
        "HOTLINE_OUT_TRUNK": "10.0.0.5:5060", "HOTLINE_OUT_TRUNK_USER": "us", "HOTLINE_AMI_TLS": "true",
        "HOTLINE_OUT_TRUNK_PASSWORD_FILE": out_file, "HOTLINE_SIP_TLS_PORT": "5061", "HOTLINE_SRTP": "required",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))
    settings = load_settings()
    config = load_config(config_dir / "hotline.yaml")
    with caplog.at_level(logging.DEBUG):
        asterisk = private_asterisk(settings, config)
        shown = repr(line_trunks(config)) + repr(config.directory())
        for arguments in (["settings"], ["asterisk", "render", str(tmp_path / "out-dir"), "--all"], ["check"]):
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, result.output
            shown += result.output
    ami = (tmp_path / "var/secrets/ami").read_text().strip()
    secrets = [SECRET, derived(SECRET, "8001"), "police-password", "out-password", ami, "PRIVATE KEY"]
    assert [x for x in secrets if x in shown + caplog.text] == []
    # The manager's and the phones' secrets are in two rendered files, for their owner alone.
    files = {p.name: p.read_text() for p in (tmp_path / "out-dir").iterdir()}
    holders = {name for name, text in files.items() if any(x in text for x in secrets)}
    assert holders == {"manager.conf", "pjsip.conf"}
    assert {oct((tmp_path / "out-dir" / name).stat().st_mode & 0o777) for name in holders} == {"0o600"}
    assert SECRET not in files["pjsip.conf"] and derived(SECRET, "8001") in files["pjsip.conf"]
    asterisk.forget()


def test_passwords_are_printed_for_who_asks_for_them_and_a_demonstration_has_none(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_VAR_DIR", str(tmp_path))
    assert CliRunner().invoke(app, ["asterisk", "passwords"]).exit_code != 0
    monkeypatch.setenv("HOTLINE_SEAT_PASSWORD_FILE", str(file))
    result = CliRunner().invoke(app, ["asterisk", "passwords", "8002"])
    assert result.output == f"8002\t{derived(SECRET, '8002')}\n"
    assert CliRunner().invoke(app, ["asterisk", "passwords", "nobody"]).exit_code != 0


# ---------------------------------------------------------------------- certificate
def test_the_certificate_is_made_once_and_its_key_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(var_dir=tmp_path, ami_tls=True, bind="127.0.0.5")
    assert certificate(load_settings(var_dir=tmp_path)) == (None, None) and not settings.own_certificate.exists()
    old = os.umask(0)
    try:
        own, key = certificate(settings)
    finally:
        os.umask(old)
    assert own == key == settings.own_certificate and own.stat().st_mode & 0o777 == 0o600
    before = own.read_bytes()
    assert certificate(settings)[0] == own and own.read_bytes() == before
    assert ami_tls(settings) == telephony.AmiTls(own, "localhost")
    monkeypatch.setenv("HOTLINE_VAR_DIR", str(tmp_path))
    shown = CliRunner().invoke(app, ["asterisk", "certificate"]).output
    assert "BEGIN CERTIFICATE" in shown and "PRIVATE" not in shown and certificates.public_part(own)[1] in shown
    renewed = CliRunner().invoke(app, ["asterisk", "certificate", "--renew", "--name", "pbx.example.cn"])
    assert renewed.exit_code == 0 and own.read_bytes() != before and own.stat().st_mode & 0o777 == 0o600


def test_a_certificate_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tls_cert"):
        certificate(load_settings(var_dir=tmp_path, ami_tls=True, tls_cert=tmp_path / "none.pem"))


# ---------------------------------------------------------------------- doctor
def codes(**changes: object) -> list[str]:
    return [x.code for x in encryption(load_settings(**changes), load_config(CONFIG / "hotline.yaml"))]


def test_the_doctor_notes_what_leaves_this_machine_in_the_clear() -> None:
    assert codes() == ["encrypted"]
    assert codes(bind="10.0.0.5") == ["sip-plain"]
    assert codes(bind="10.0.0.5", sip_tls_port=5061) == ["sip-plain", "encrypted"]
    assert codes(bind="10.0.0.5", sip_tls_port=5061, srtp="optional") == ["srtp-optional", "encrypted"]
    assert codes(bind="10.0.0.5", sip_tls_port=5061, srtp="required", ami_tls=True) == ["encrypted"]
    assert codes(out_trunk="10.0.0.5:5060") == ["trunk-plain"]
    assert codes(out_trunk="tls:sbc.example.cn:5061", sip_tls_port=5061) == ["encrypted"]
