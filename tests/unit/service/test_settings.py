"""Flags > environment > file > defaults, and each wrong value is one clear line."""

from pathlib import Path

import pytest

from service.errors import ConfigError
from service.settings import ROOT, load_settings


@pytest.fixture
def file(tmp_path, monkeypatch):
    import os

    for name in [n for n in os.environ if n.startswith("HOTLINE_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "settings.yaml"
    path.write_text("")
    monkeypatch.setenv("HOTLINE_SETTINGS", str(path))
    return path


def refused(**flags):
    with pytest.raises(ConfigError) as caught:
        load_settings(**flags)
    assert caught.value.fix
    return str(caught.value)


def test_flags_win_over_environment_over_file_over_defaults(file, monkeypatch):
    assert load_settings().http_port == 8345
    file.write_text("http_port: 1111\nsip_port: 2222\nami_port: 3333\n")
    monkeypatch.setenv("HOTLINE_SIP_PORT", "2223")
    monkeypatch.setenv("HOTLINE_AMI_PORT", "3334")
    got = load_settings(ami_port=3335, http_port=None)
    assert (got.http_port, got.sip_port, got.ami_port) == (1111, 2223, 3335)


@pytest.mark.parametrize("value", ["0", "65536", "web", ""])
def test_a_port_that_is_none_is_named(file, monkeypatch, value):
    monkeypatch.setenv("HOTLINE_HTTP_PORT", value)
    assert "setting 'http_port': " in refused()


def test_all_wrong_values_are_told_at_once(file):
    file.write_text("http_port: x\nasr_workers: -1\n")
    text = refused()
    assert "'http_port'" in text
    assert "'asr_workers'" in text


def test_an_unknown_key_in_the_file_is_refused_with_the_nearest(file):
    file.write_text("htpp_port: 80\n")
    text = refused()
    assert "htpp_port" in text
    assert "did you mean 'http_port'?" in text


@pytest.mark.parametrize("text", ["a: [", "- a\n", "words", "\t", "a: 2024-13-45"])
def test_a_file_that_is_none_is_named_and_no_stack_trace(file, text):
    file.write_text(text)
    assert str(file) in refused()


def test_a_file_in_gbk_is_named(file):
    file.write_bytes("bind: 座席".encode("gbk"))
    assert str(file) in refused()


def test_a_named_file_that_is_missing_is_not_passed_over(file):
    file.unlink()
    assert str(file) in refused()


@pytest.mark.parametrize("level", ["loud", "", "5x"])
def test_a_log_level_that_does_not_exist_is_refused_here_and_not_at_the_start(file, level):
    assert "setting 'log_level'" in refused(log_level=level)


@pytest.mark.parametrize("level", ["debug", "INFO", "Warning"])
def test_log_levels_may_be_written_either_way(file, level):
    assert load_settings(log_level=level).log_level == level.lower()


def test_an_empty_range_of_rtp_ports_is_refused(file):
    assert "rtp_end" in refused(rtp_start=20000, rtp_end=10000)


def test_derived_paths_and_addresses(file, tmp_path):
    usual = load_settings(var_dir=tmp_path)
    assert usual.redis == "redis://127.0.0.1:6345/0"
    assert usual.store == f"sqlite:///{tmp_path}/hotline.db"
    assert usual.model_dir == ROOT / "config/asr/zh-small"
    assert (usual.secrets_dir, usual.prompts_dir) == (tmp_path / "secrets", tmp_path / "prompts")
    own = load_settings(redis_url="redis://r/1", store_url="postgresql://s", asr_model=Path("/m"), rootfs=Path("/r"))
    assert (own.redis, own.store) == ("redis://r/1", "postgresql://s")
    assert (own.model_dir, own.rootfs_dir) == (Path("/m"), Path("/r"))
