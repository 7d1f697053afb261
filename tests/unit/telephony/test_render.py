"""What is written for the switch: every mark is filled, no value can smuggle in a line of its own."""

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony import PBX_PIECES, LineTrunk, Peer, RenderError, SeatPhone, SwitchPlan, render

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


# ---------------------------------------------------------------------- trunks of the hotline directory
def section(files, name, number=0):
    """One section of pjsip.conf as key → value; sections of one name in their order."""
    parts = re.split(r"^(\[[^\]]+\](?:\([^)]*\))?)$", files["pjsip.conf"], flags=re.MULTILINE)
    found = [body for head, body in zip(parts[1::2], parts[2::2], strict=True) if head == f"[{name}]"]
    lines = (line.partition(" = ") for line in found[number].splitlines() if " = " in line)
    return {key: value for key, _, value in lines}


POLICE = LineTrunk("police", "10.0.0.7:5060", ["10.0.0.7", "10.0.1.0/24"], qualify=30)


def test_a_directory_trunk_becomes_an_endpoint_of_its_name_whose_callers_reach_the_hotline_only():
    files = render(TEMPLATES, plan(lines=[POLICE, LineTrunk("carrier", "sbc.example.cn:5070")]))
    endpoint = section(files, "line-police")
    assert (endpoint["type"], endpoint["context"]) == ("endpoint", "hotline-trunk")
    assert endpoint["aors"] == "line-police" == POLICE.endpoint
    aor = section(files, "line-police", 1)
    assert (aor["contact"], aor["qualify_frequency"]) == ("sip:10.0.0.7:5060", "30")
    identify = section(files, "line-police-address")
    assert (identify["endpoint"], identify["match"]) == ("line-police", "10.0.0.7,10.0.1.0/24")
    assert section(files, "line-carrier", 1)["contact"] == "sip:sbc.example.cn:5070"
    assert "[line-carrier-address]" not in files["pjsip.conf"], "without `match` nobody comes in by it"


def test_without_a_directory_there_is_no_way_out():
    assert "[line-" not in render(TEMPLATES, plan())["pjsip.conf"]


def test_phones_of_seats_may_transfer_and_nobody_else():
    files = render(TEMPLATES, plan(lines=[POLICE], peers=[Peer("hz", "10.0.0.6:5060")], out_contact="10.0.0.5:5060"))
    seat = files["pjsip.conf"].split("[seat](!)")[1].split("\n[")[0]
    assert "allow_transfer = yes" in seat
    for name in ("trunk", "line-police", "hz", "hotline-out"):
        assert section(files, name)["allow_transfer"] == "no", name


def test_a_trunk_is_known_by_its_address_alone_and_not_by_a_name_anybody_can_write():
    files = render(TEMPLATES, plan(lines=[POLICE], peers=[Peer("hz", "10.0.0.6:5060")], out_contact="10.0.0.5:5060"))
    for name in ("trunk", "line-police", "hz", "hotline-out"):
        assert section(files, name)["identify_by"] == "ip", name


def test_the_publics_trunk_never_claims_a_call_of_a_directory_trunk():
    files = render(TEMPLATES, plan(lines=[POLICE, LineTrunk("x", "h.cn:5060", ["h.cn"])]))
    assert section(files, "trunk-address")["match"] == "127.0.0.0/8,!10.0.0.7/32,!10.0.1.0/24"


@pytest.mark.parametrize(
    "line",
    [
        LineTrunk("", "10.0.0.7:5060"),
        LineTrunk("x" * 28, "10.0.0.7:5060"),
        LineTrunk("po lice", "10.0.0.7:5060"),
        LineTrunk("police\n", "10.0.0.7:5060"),
        LineTrunk("police", "10.0.0.7"),
        LineTrunk("police", "10.0.0.7:5060\nx = y"),
        LineTrunk("police", "10.0.0.7:5060", ["10.0.0.7\nx = y"]),
        LineTrunk("police", "10.0.0.7:5060", ["!10.0.0.7"]),
        LineTrunk("police", "10.0.0.7:5060", ["10.0.0"]),
        LineTrunk("police", "10.0.0.7:5060", ["10.0.0.0/33"]),
        LineTrunk("police", "10.0.0.7:5060", [""]),
        LineTrunk("police", "10.0.0.7:5060", qualify=-1),
        LineTrunk("mine", "10.0.0.7:5060"),
        LineTrunk("8", "10.0.0.7:5060"),
        LineTrunk("police", "10.0.0.7:5060", ["10.0.0.6"]),
        LineTrunk("police", "10.0.0.7:5060", ["10.0.0.9"]),
        LineTrunk("police", "10.0.0.7:5060", ["10.0.0.8/30"]),
        LineTrunk("police", "10.0.0.7:5060", ["SBC.cn"]),
    ],
)
def test_a_trunk_with_a_taken_name_or_address_or_a_bad_one_is_refused(line):
    usual = {
        "peers": [Peer("line-mine", "10.0.0.6:5060")], "seats": [SeatPhone("line-8", "p")],
        "lines": [LineTrunk("other", "10.0.0.9:5060", ["10.0.0.9", "sbc.cn"])],
    }  # fmt: skip
    render(TEMPLATES, plan(**usual))
    with pytest.raises(RenderError, match="trunk"):
        render(TEMPLATES, plan(**{**usual, "lines": [*usual["lines"], line]}))
