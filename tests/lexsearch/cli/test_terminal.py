"""What reaches a terminal is harmless and aligned."""

import pytest

from lexsearch.cli.options import dump_json
from lexsearch.cli.terminal import DIM, RESET, bar, columns, paint, safe, size, table


@pytest.mark.parametrize("code", [0x00, 0x07, 0x1B, 0x7F, 0x85, 0x9B])
def test_control_characters_are_spelled_out(code: int) -> None:
    assert safe(f"a{chr(code)}b") == f"a\\x{code:02x}b"


@pytest.mark.parametrize("code", [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
def test_bidi_controls_are_spelled_out(code: int) -> None:
    assert safe(f"a{chr(code)}b") == f"a\\u{code:04x}b"


def test_a_byte_that_is_not_utf8_shows_its_value() -> None:
    assert safe(b"caf\xe9.jpg".decode("utf-8", "surrogateescape")) == "caf\\xe9.jpg"


def test_letters_of_every_script_stay() -> None:
    text = "été 猫 собака 😺"
    assert safe(text) == text


def test_json_escapes_what_a_terminal_might_obey_and_still_reads_back() -> None:
    import json

    text = dump_json({"path": "a\u202eb\x9bc é"})
    assert text == '{"path": "a\\u202eb\\u009bc é"}'
    assert json.loads(text) == {"path": "a\u202eb\x9bc é"}


def test_wide_letters_take_two_cells() -> None:
    assert columns("猫") == 2
    assert table([["猫", "1"], ["dog", "2"]]) == ["猫   1", "dog  2"]


def test_colour_only_where_it_is_wanted() -> None:
    assert paint("x", DIM, colour=False) == "x"
    assert paint("x", DIM, colour=True) == f"{DIM}x{RESET}"


def test_a_bar_is_empty_only_for_nothing() -> None:
    assert bar(0.0) == bar(-1.0) == ""
    assert bar(0.001) == "█"
    assert bar(1.0, width=4) == "█" * 4


def test_sizes_are_for_people() -> None:
    assert [size(n) for n in (0, 999, 1000, 2_500_000, 3e12)] == [
        "0 B", "999 B", "1.0 kB", "2.5 MB", "3.0 TB",
    ]  # fmt: skip
