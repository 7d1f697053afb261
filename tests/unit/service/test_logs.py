"""What is logged is one JSON object a line, with the call's id and without a caller's number, name or words."""

import json
import logging

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import logs

CALL = "hotline-1763932131.12"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Logs into a file; calling it gives the lines since the last time."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    path = tmp_path_factory.mktemp("log") / "deep" / "hotline.log"
    logs.set_up("info", path)
    seen = 0

    def read():
        nonlocal seen
        data = path.read_bytes()
        new, seen = data[seen:], len(data)
        return [json.loads(line) for line in new.decode().split("\n")[:-1]]

    yield read
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


plain = logging.getLogger("test.plain")
struct = structlog.get_logger("test.struct")


def test_a_line_has_time_level_logger_event_and_the_call(written):
    plain.warning("offer missed", extra={"call": CALL, "seat": "8001"})
    struct.info("drafts.made", call=CALL, ticket="T-1")
    one, two = written()
    assert (one["event"], one["level"], one["logger"], one["call"], one["seat"]) == (
        "offer missed", "warning", "test.plain", CALL, "8001",
    )  # fmt: skip
    assert "T" in one["at"]
    assert (two["event"], two["call"]) == ("drafts.made", CALL)


def test_line_breaks_do_not_make_two_lines(written):
    plain.info("a\nb\r\nc %s", "d\n")
    assert len(written()) == 1


@pytest.mark.parametrize(
    "text",
    [CALL, f"{CALL}~8001~1", "1763932131.12", f"/spool/{CALL}.raw", f"call {CALL}: gone", f"{CALL}。",
             "1763932131123-0"],
)  # fmt: skip
def test_call_ids_survive(written, text):
    plain.info(text, extra={"call": text})
    (line,) = written()
    assert text in line["event"]
    assert line["call"] == text


NUMBERS = ["13800001234", "+8613800001234", "057188880000", "88880000", "138 0000 1234", "138-0000-1234"]
AROUND = ["{}", "号码{}打来", "tel={}", "{}.", "({})", "sip:{}@x", "PJSIP/{}-00000001", "{},", "a{}b", "'{}'", "-{}",
          "~{}~"]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("around", AROUND)
def test_a_number_is_blotted_out_wherever_it_stands(written, number, around):
    text = around.format(number)
    plain.info("said %s", text)
    plain.info("extra", extra={"detail": text, "nested": {"a": [text, (text,)], text: 1}})
    struct.info(text, detail=text, error=ValueError(text))
    for line in written():
        assert number not in json.dumps(line, ensure_ascii=False)


def test_a_number_as_a_number_is_blotted_out_and_counts_stay(written):
    plain.info("x", extra={"who": 13800001234, "count": 42, "seconds": 1.5, "ok": True, "nothing": None})
    (line,) = written()
    assert "13800001234" not in json.dumps(line)
    assert (line["count"], line["seconds"], line["ok"], line["nothing"]) == (42, 1.5, True, None)


def test_a_tickets_number_survives_in_its_field_only(written):
    number = "261123225816123456"
    struct.info("drafts.made", ticket=number, who=number)
    plain.info("said %s", number, extra={"ticket": "13800001234"})
    one, two = written()
    assert (one["ticket"], one["who"]) == (number, "[number]")
    assert (two["ticket"], two["event"]) == ("[number]", "said [number]")


@pytest.mark.parametrize(
    "key", ["caller_name", "caller", "number", "text", "words", "content", "title", "address", "transcript", "phone"]
)
def test_fields_of_names_and_words_are_removed_at_any_depth(written, key):
    plain.info("x", extra={key: "王小明说路灯坏了", "detail": {key: "王小明", "list": [{key: "王小明"}]}})
    struct.info("y", **{key: "王小明"})
    for line in written():
        assert "王小明" not in json.dumps(line, ensure_ascii=False)


def test_a_stack_trace_is_kept_without_its_numbers(written):
    try:
        int("13800001234x")
    except ValueError:
        plain.exception("failed")
    (line,) = written()
    assert "Traceback" in line["exception"]
    assert "13800001234" not in json.dumps(line)


def test_malformed_requests_of_the_web_server_are_not_logged(written):
    logging.getLogger("aiohttp.server").error("Error handling request b'GET /138..'")
    logging.getLogger("aiohttp.access").info("GET /")
    assert written() == []


@given(
    st.text(max_size=30), st.from_regex(r"1[3-9][0-9]{9}|0[0-9]{9,11}|[2-8][0-9]{6,7}", fullmatch=True),
    st.text(max_size=30),
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_number_gets_out_whatever_is_around_it(written, before, number, after):
    text = f"{before}{number}{after}"
    plain.info("%s", text, extra={"detail": text})
    struct.info(text, detail=[text])
    for line in written():
        line.pop("at")
        assert number not in json.dumps(line, ensure_ascii=False)
