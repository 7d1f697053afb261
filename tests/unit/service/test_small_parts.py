"""Secrets, ports, music, lines for the terminal."""

import socket
import wave

import numpy as np
import pytest

from service import music, render
from service.private import port_free, secret


def mode(path):
    return path.stat().st_mode & 0o777


# ---------------------------------------------------------------------- secrets
def test_a_secret_is_made_once_for_the_owner_only(tmp_path):
    path = tmp_path / "secrets" / "ami"
    made = secret(path)
    assert len(made) >= 32
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert secret(path) == made
    assert secret(tmp_path / "other") != made


@pytest.mark.parametrize("text", ["", "\n", "  \n"])
def test_an_empty_secret_is_replaced_and_its_file_closed_to_others(tmp_path, text):
    path = tmp_path / "ami"
    path.write_text(text)
    path.chmod(0o644)
    assert secret(path)
    assert mode(path) == 0o600


def test_a_secret_given_by_the_site_is_taken_as_it_is(tmp_path):
    path = tmp_path / "ami"
    path.write_text("theirs\n")
    assert secret(path) == "theirs"


# ---------------------------------------------------------------------- ports
@pytest.mark.parametrize("udp", [False, True])
def test_a_port_in_use_is_known(udp):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        if not udp:
            s.listen()
        port = s.getsockname()[1]
        assert port_free(port, udp=udp) is False
    assert port_free(port, udp=udp) is True


def test_an_address_that_is_not_ours_is_not_free():
    assert port_free(5060, udp=True, host="192.0.2.1") is False


# ---------------------------------------------------------------------- music
def samples(path):
    with wave.open(str(path)) as w:
        assert (w.getframerate(), w.getnchannels(), w.getsampwidth()) == (8000, 1, 2)
        return np.frombuffer(w.readframes(w.getnframes()), "<i2")


def test_music_is_what_asterisk_plays_quiet_not_clipped_and_without_a_click_at_its_ends(tmp_path):
    music.build_music(tmp_path / "no-site", tmp_path / "out")
    sound = samples(tmp_path / "out/waiting.wav").astype(int)
    assert 5 < len(sound) / 8000 < 60
    assert 3000 < np.abs(sound).max() <= 6000
    assert np.abs(sound[:4]).max() < 200
    assert np.abs(sound[-4:]).max() < 200
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out/waiting.wav"], "no half-made file stays"


def test_music_is_made_once(tmp_path):
    music.build_music(tmp_path, tmp_path / "out")
    path = tmp_path / "out/waiting.wav"
    before = path.stat().st_mtime_ns
    path.write_bytes(b"kept")
    music.build_music(tmp_path, tmp_path / "out")
    assert path.read_bytes() == b"kept"
    assert before


def test_the_sites_music_takes_the_place_of_ours(tmp_path):
    site, out = tmp_path / "site", tmp_path / "out"
    music.build_music(site, out)
    site.mkdir()
    (site / "ours.wav").write_bytes(b"RIFF")
    music.build_music(site, out)
    assert sorted(p.name for p in out.iterdir()) == ["ours.wav"], "callers hear the site's only"


# ---------------------------------------------------------------------- the terminal
def test_times_are_told_as_in_shanghai_with_their_date():
    assert render.shanghai(1763932131.0) == "2025-11-24 05:08:51"
    assert render.shanghai(None) == "–"


@pytest.mark.parametrize("what", list(render.WHAT))
def test_each_line_of_a_timeline_has_both_languages(what):
    line = render.moment_line({"at": 12.5, "what": what, "detail": {"seat": "8001"}}, 10.0)
    assert "+  2.50 s" in line
    assert "8001" in line
    assert " · " in line or what == "voicemail"


def test_an_unknown_line_is_shown_as_it_is():
    assert "new_thing" in render.moment_line({"at": 1.0, "what": "new_thing", "detail": {}}, 1.0)


def test_a_call_without_anything_is_shown_whole():
    call = {"id": "c", "arrived_at": 1.0, "state": "ended", "timeline": [], "transcript": None, "recording": None,
            "draft": None}  # fmt: skip
    text = "\n".join(render.call_lines(call))
    assert "没有文字" in text
    assert "还没有草稿" in text


def test_a_draft_without_a_kind_or_place_is_shown():
    draft = {"id": "D", "kind": None, "region": None, "region_name": None, "title": "t", "content": "c",
             "address": None, "caller": {"phone": None}, "uncertain": [{"field": "region", "why": "two", "text": ""}]}
    text = "\n".join(render.draft_lines(draft))
    assert "不确定" in text
    assert "region (two)" in text
