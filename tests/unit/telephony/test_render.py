"""What is written for the switch: every mark is filled, no value can smuggle in a line of its own."""

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony import PBX_PIECES, Peer, RenderError, SeatPhone, SwitchPlan, render

TEMPLATES = Path(__file__).resolve().parents[3] / "config/asterisk"
MARK = re.compile(r"@[A-Z_]+@")


def plan(**changes):
    home = Path("/srv/hotline")
    values = {
        "etc_dir": home / "etc", "var_dir": home / "var", "spool_dir": home / "spool", "run_dir": home / "run",
        "log_dir": home / "log", "data_dir": home / "data", "module_dir": home / "modules", "moh_dir": home / "moh",
        "recording_spool": home / "spool/hotline",
        "seats": [SeatPhone("8001", "demo-8001"), SeatPhone("8002", "demo-8002")],
        "dialled": ("12345", "12315"), "ami_secret": "s3cret", "ami_port": 5039, "sip_port": 5061,
    }  # fmt: skip
    return SwitchPlan(**{**values, **changes})


def test_no_mark_is_left_in_any_file():
    files = render(TEMPLATES, plan())
    assert {p.name for p in TEMPLATES.glob("*.conf")} <= set(files)
    assert {name: MARK.findall(text) for name, text in files.items() if MARK.search(text)} == {}


def test_the_pieces_for_a_pbx_exist_and_hold_the_values():
    files = render(TEMPLATES, plan())
    assert set(PBX_PIECES) <= set(files)
    assert "[8001](seat)" in files["pjsip.conf"]
    assert "password = demo-8002" in files["pjsip.conf"]
    assert "member = PJSIP/8002" in files["queues.conf"]
    assert "s3cret" in files["manager.conf"]
    assert "/srv/hotline/spool/hotline" in files["extensions.conf"]
    for number in ("12345", "12315"):
        assert f"exten => {number},1,Goto(hotline-trunk,{number},1)" in files["extensions.conf"]


def test_secrets_do_not_show_when_a_plan_is_printed():
    text = repr(plan())
    assert "s3cret" not in text
    assert "demo-8001" not in text


BAD = ["a\nb", "a\r", "a\0", "a;b", "[a]", "a\n", "\n", ""]


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("name", ["ami_secret", "ami_user", "system_name", "bind", "ami_permit", "trunk_match"])
def test_a_value_that_would_start_a_line_section_or_comment_is_refused(name, value):
    with pytest.raises(RenderError, match=name.upper()):
        render(TEMPLATES, plan(**{name: value}))


@pytest.mark.parametrize("value", BAD)
def test_a_seats_password_that_would_do_so_is_refused_and_not_printed(value):
    with pytest.raises(RenderError, match="seat 8001: the password") as caught:
        render(TEMPLATES, plan(seats=[SeatPhone("8001", value + "hush" if value else "")]))
    assert "hush" not in str(caught.value)


def test_a_password_that_ends_in_a_line_break_is_refused():
    with pytest.raises(RenderError):
        render(TEMPLATES, plan(seats=[SeatPhone("8001", "hush\n")]))


@pytest.mark.parametrize("user", ["", "8001\n", "80 01", "8001]\n[evil", "x" * 33, "座席", "../8001", "8001(seat)"])
def test_a_seat_id_that_is_none_is_refused(user):
    with pytest.raises(RenderError, match="seat"):
        render(TEMPLATES, plan(seats=[SeatPhone(user, "p")]))


@pytest.mark.parametrize("number", ["", "12345\n", "12345,1,System(reboot)", "_X.", "1 2", "１２３４５", "1" * 25])
def test_a_dialled_number_that_is_none_is_refused(number):
    with pytest.raises(RenderError, match="digits only"):
        render(TEMPLATES, plan(dialled=(number,)))


def test_a_mark_inside_a_value_is_not_filled_in():
    files = render(TEMPLATES, plan(seats=[SeatPhone("8001", "@AMI_SECRET@")]))
    assert "password = @AMI_SECRET@" in files["pjsip.conf"]


def test_an_unknown_mark_is_named_with_its_file(tmp_path):
    (tmp_path / "x.conf").write_text("a = @NOSUCH@\nb = @BIND@\nc = @ALSO_NOT@\n")
    with pytest.raises(RenderError, match=r"x\.conf: unknown marks ALSO_NOT, NOSUCH"):
        render(tmp_path, plan())


def test_a_directory_without_templates_is_named(tmp_path):
    with pytest.raises(RenderError, match=re.escape(str(tmp_path))):
        render(tmp_path, plan())


TEXT_FIELDS = [f.name for f in dataclasses.fields(SwitchPlan) if f.name.startswith(("ami_s", "ami_u", "sys", "bind"))]


@given(st.sampled_from(TEXT_FIELDS), st.text(min_size=1, max_size=20))
def test_whatever_a_value_is_the_number_of_lines_and_sections_stays(name, value):
    usual = render(TEMPLATES, plan())
    try:
        files = render(TEMPLATES, plan(**{name: value}))
    except RenderError:
        return
    for file, text in files.items():
        assert len(text.split("\n")) == len(usual[file].split("\n"))
        assert text.count("[") == usual[file].count("[")


def test_without_recording_the_dialplan_starts_none(tmp_path):
    from dataclasses import replace
    from pathlib import Path

    from telephony import PrivateAsterisk, render

    root = Path(__file__).resolve().parents[3]
    asterisk = PrivateAsterisk(root / "var/rootfs", root / "config/asterisk", tmp_path, tmp_path)
    plan = asterisk.plan()
    asterisk.forget()
    assert "MixMonitor(" in render(root / "config/asterisk", plan)["extensions.conf"]
    assert "MixMonitor(" not in render(root / "config/asterisk", replace(plan, record=False))["extensions.conf"]


def test_a_peer_rings_our_seats_by_name_and_has_no_pattern_to_dial():
    files = render(TEMPLATES, plan(peers=[Peer("hangzhou", "10.0.0.6:5060")]))
    assert "contact = sip:10.0.0.6:5060" in files["pjsip.conf"]
    assert "match = 10.0.0.6\n" in files["pjsip.conf"]
    context = files["extensions.conf"].split("[hotline-peer]")[1].split("\n[")[0]
    extensions = [line.split(",")[0] for line in context.splitlines() if line.startswith("exten")]
    assert extensions == ["exten => 8001", "exten => 8002"]


@pytest.mark.parametrize(
    "peers",
    [[Peer("8001", "10.0.0.6:5060")], [Peer("trunk", "10.0.0.6:5060")], [Peer("a b", "10.0.0.6:5060")],
     [Peer("a", "10.0.0.6")], [Peer("a", "10.0.0.6:5060\nx = y")], [Peer("a", "h:1"), Peer("a", "g:1")]],
)  # fmt: skip
def test_a_peer_with_a_taken_name_or_a_bad_address_is_refused(peers):
    with pytest.raises(RenderError, match="peer"):
        render(TEMPLATES, plan(peers=peers))
