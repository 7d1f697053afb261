"""`hotline restrict …` against a console on a furnished desk, and `verify` without any service."""

from service.errors import ServiceError
from service.evidence import Made, Piece, bundle
from tests.unit.service.test_cli_floor import hotline  # noqa: F401 - a fixture


def test_the_list_is_worked_on(hotline):  # noqa: F811
    listed = hotline("restrict list").output
    assert "r-101" in listed and "138****4511" in listed and "13857704511" not in listed and "待复核 review" in listed
    shown = hotline("restrict show r-101").output
    assert "13857704511" in shown and "确认生效 confirmed" in shown and "call demo-0.9" in shown
    added = hotline("restrict add --number 13912345678 --reason threat --days 3 --note 恐吓").output
    assert "待确认 proposed" in added
    entry = added.partition(":")[0]
    refused = hotline(f"restrict review {entry} confirm")
    assert isinstance(refused.exception, ServiceError) and "Another person" in str(refused.exception)
    assert "已撤回 withdrawn" in hotline(f"restrict lift {entry} --note 误认").output
    assert "生效中 active" in hotline("restrict review r-102 confirm").output
    assert entry in hotline("restrict list --closed").output
    for wrong in ("restrict add --note x", "restrict show nobody", "restrict add --call demo-1.9 --note x"):
        assert isinstance(hotline(wrong).exception, ServiceError), wrong


def test_a_bundle_is_asked_for_written_whole_and_checked(hotline, tmp_path):  # noqa: F811
    target = tmp_path / "out.zip"
    assert hotline(f"restrict bundle r-101 --to {target}", "n\n").exit_code == 1 and not target.exists()
    done = hotline(f"restrict bundle r-101 --to {target} --yes")
    # What the furnished desk gives is an empty zip: the check says so.
    assert "SHA-256 8739c76e681f9009" in done.output and isinstance(done.exception, ServiceError)
    assert target.stat().st_mode & 0o777 == 0o600
    assert isinstance(hotline(f"restrict bundle r-101 --to {target} --yes").exception, ServiceError), "never over one"
    other = hotline(f"restrict bundle r-101 --to {tmp_path / 'x.zip'} --call demo-1.4 --yes")
    assert "not of this number" in str(other.exception)
    assert not list(tmp_path.glob("*x.zip*"))


def test_verify_tells_what_is_missing_and_what_was_changed(hotline, tmp_path):  # noqa: F811
    path = tmp_path / "b.zip"
    whole = b"".join(bundle({"id": "r"}, [], [Piece("t-1", {"arrived_at": 1.0})], Made(1.8e9, "甲", "admin")))
    path.write_bytes(whole)
    good = hotline(f"restrict verify {path}")
    assert good.exit_code == 0 and "完好" in good.output and "t-1: no recording (no-recording)" in good.output
    path.write_bytes(whole.replace(b"arrived_at", b"arrived_by", 1))
    bad = hotline(f"restrict verify {path}")
    assert "✗" in bad.output and isinstance(bad.exception, ServiceError)
    assert isinstance(hotline(f"restrict verify {tmp_path}/none.zip").exception, ServiceError)
