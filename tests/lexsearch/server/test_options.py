"""Whom a server answers."""

import pytest

from lexsearch.errors import UsageError
from lexsearch.server.options import ServerOptions, is_loopback, new_token

SECRET = "a secret of enough letters"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_this_computer_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert ServerOptions(host).is_local


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "photos.example"])
def test_another_host_needs_a_token(host: str) -> None:
    with pytest.raises(UsageError, match=r"needs a token.*--token"):
        ServerOptions(host)
    assert not ServerOptions(host, token=SECRET).is_local


@pytest.mark.parametrize("token", ["short", "x" * 15, "a token with\na second line", "ключ" * 8])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match="at least 16"):
        ServerOptions(token=token)


def test_a_made_token_is_long_and_new() -> None:
    assert len({new_token() for _ in range(8)}) == 8
    assert ServerOptions("0.0.0.0", token=new_token())


def test_the_token_is_not_in_what_is_printed() -> None:
    assert SECRET not in repr(ServerOptions(token=SECRET))


def test_a_local_server_answers_to_its_own_names_only() -> None:
    options = ServerOptions(allowed_hosts=frozenset({"photos.example"}))
    for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]", "photos.example"):
        assert options.answers_to(name)
    for name in ("evil.example", "127.0.0.1.evil.example", "192.168.1.7", ""):
        assert not options.answers_to(name)


def test_an_open_server_answers_to_addresses_but_not_to_strange_names() -> None:
    options = ServerOptions("0.0.0.0", token=SECRET)
    assert options.answers_to("192.168.1.7")
    assert not options.answers_to("evil.example")
