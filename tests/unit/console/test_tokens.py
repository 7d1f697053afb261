"""Tokens: nobody makes one, changes one or outlives one."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import Role, TokenBook, TokenRefusedError

SECRET = b"0123456789abcdef0123456789abcdef"


def test_a_token_names_its_holder_again() -> None:
    book = TokenBook(SECRET, clock=lambda: 1000.0)
    who = book.check(book.issue(Role.SEAT, "林晓", "8001", days=1))
    assert (who.role, who.name, who.seat, who.issued, who.expires) == (Role.SEAT, "林晓", "8001", 1000.0, 87400.0)


@given(st.data())
def test_no_changed_character_leaves_a_token_valid(data: st.DataObject) -> None:
    book = TokenBook(SECRET, clock=lambda: 1000.0)
    token = book.issue(Role.SEAT, "x", "8001", days=1)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda c: c != token[place]))
    with pytest.raises(TokenRefusedError):
        book.check(token[:place] + letter + token[place + 1 :])


@given(st.text(max_size=2000))
def test_no_text_crashes_the_check(text: str) -> None:
    with pytest.raises(TokenRefusedError):
        TokenBook(SECRET).check(text)


def test_an_expired_token_opens_nothing() -> None:
    now = [1000.0]
    book = TokenBook(SECRET, clock=lambda: now[0])
    token = book.issue("admin", "a", days=1)
    now[0] += 86399
    assert book.check(token).role is Role.ADMIN
    now[0] += 1
    with pytest.raises(TokenRefusedError, match="token-expired"):
        book.check(token)


def test_another_secret_revokes_every_token() -> None:
    token = TokenBook(SECRET).issue("admin", "a", days=1)
    with pytest.raises(TokenRefusedError, match="bad-token"):
        TokenBook(b"another secret of enough length!!").check(token)


@pytest.mark.parametrize(
    ("role", "name", "seat", "days"),
    [
        ("seat", "a", None, 1), ("admin", "a", "8001", 1), ("seat", "a", "../x", 1), ("admin", "", None, 1),
        ("admin", "a\n", None, 1), ("admin", "x" * 65, None, 1), ("admin", "a", None, 0), ("boss", "a", None, 1),
        ("admin", "a", None, float("nan")),
    ],
)  # fmt: skip
def test_a_senseless_token_is_not_issued(role: str, name: str, seat: str | None, days: float) -> None:
    with pytest.raises(ValueError):
        TokenBook(SECRET).issue(role, name, seat, days=days)


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "console.secret"
    before = os.umask(0)
    try:
        token = TokenBook.open(path).issue("admin", "a", days=1)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert TokenBook.open(path).check(token).role is Role.ADMIN
    assert [entry.name for entry in path.parent.iterdir()] == ["console.secret"]


def test_two_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with ThreadPoolExecutor(8) as pool:
        books = list(pool.map(lambda _: TokenBook.open(path), range(8)))
    token = books[0].issue("admin", "a", days=1)
    assert all(book.check(token) for book in books)


def test_a_secret_that_others_can_read_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    TokenBook.open(path)
    path.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        TokenBook.open(path)


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    with pytest.raises(ValueError, match="32"):
        TokenBook.open(path)
