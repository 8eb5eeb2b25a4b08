"""Foreign text, made safe to print, and figures."""

from __future__ import annotations

import pytest

from pytest_clawmark.reports import figures
from pytest_clawmark.reports.text import columns_of, cut, middle_cut, one_line, pad, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext 面试 é", "plain\n\ttext 面试 é"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\x00b\x07c\x7fd\x9be", r"a\x00b\x07c\x7fd\x9be"),
        ("over\rwritten", r"over\rwritten"),
        ("mail\r\nlines", "mail\nlines"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("\ud83d\ude00", r"\ud83d\ude00"),
        ("name\udcff", r"name\udcff"),
    ],
)
def test_controls_and_halves_of_pairs_are_shown_as_their_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown
    visible(text).encode()


def test_one_line_is_one_line() -> None:
    assert one_line("  assert\n\n  1 ==\t2 \r\n") == "assert 1 == 2"


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    assert columns_of("实习") == 4
    assert columns_of("e\u0301") == 1
    assert columns_of("abc") == 3


@pytest.mark.parametrize("width", range(12))
def test_a_cut_text_never_exceeds_its_width_and_a_padded_one_fills_it(width: int) -> None:
    for text in ("", "abcdef", "实习生评估结果", "a实b习c"):
        assert columns_of(cut(text, width)) <= width
        assert columns_of(pad(text, width)) == width
        assert columns_of(pad(text, width, right=True)) == width


def test_a_long_text_keeps_its_beginning_and_end_and_says_what_is_missing() -> None:
    shown = middle_cut("a" * 1000 + "z" * 1000, 90)
    assert shown.startswith("a" * 60 + "\n")
    assert shown.endswith("\n" + "z" * 30)
    assert "1,910 characters left out" in shown
    assert middle_cut("short", 90) == "short"


def test_only_a_perfect_score_reads_perfect_and_only_nothing_reads_zero() -> None:
    assert [figures.share(value) for value in (1.0, 0.9999, 0.5, 0.0001, 0.0, None)] == [
        "1.00",
        "0.99",
        "0.50",
        "0.01",
        "0.00",
        "-",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (59.6, "1m00s"), (3599.7, "1h00m"), (7620, "2h07m")],
)
def test_durations_carry_over_at_their_borders(seconds: float, said: str) -> None:
    assert figures.duration(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0"), (999, "999"), (1000, "1.0k"), (999_949, "999.9k"), (999_950, "1.00M")]
)
def test_amounts_carry_over_at_their_borders(number: int, said: str) -> None:
    assert figures.amount(number) == said


def test_money_is_precise_where_it_is_little() -> None:
    assert (figures.money(0.0123), figures.money(12.345), figures.money(None)) == ("$0.0123", "$12.35", "-")
    assert figures.money(2, unpriced=1) == "at least $2.00"
