"""The table of targets says what was reached, and marks it."""

from pathlib import Path
from typing import Any

from benchmarks.bench_model import TARGETS, lines, places_of, verdicts


def reported(**values: float) -> dict[str, Any]:
    """A report with one figure per target name, where it is given."""
    report: dict[str, Any] = {}
    for target in TARGETS:
        if target.name in values:
            *way, last = target.path.split("/")
            at = report
            for key in way:
                at = at.setdefault(key, {})
            at[last] = values[target.name]
    return report


def row(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in verdicts(report) if one["target"] == name]
    return found


def test_a_lower_bound_is_met_from_its_value_on() -> None:
    found = row(reported(**{"hybrid R@1": 0.20}), "hybrid R@1")
    assert (found["reached"], found["must_met"], found["goal_met"]) == (20.0, True, False)
    assert row(reported(**{"hybrid R@1": 0.19}), "hybrid R@1")["must_met"] is False


def test_an_upper_bound_is_met_up_to_its_value() -> None:
    name = "lexical R@10 lost at 128 words"
    found = row(reported(**{name: 0.02}), name)
    assert (found["reached"], found["must_met"], found["goal_met"]) == (2.0, True, False)
    assert row(reported(**{name: -0.01}), name)["goal_met"] is True


def test_a_ratio_is_taken_as_it_is() -> None:
    name = "patchdis mIoU over random"
    found = row(reported(**{name: 6.5}), name)
    assert (found["reached"], found["must_met"], found["goal_met"]) == (6.5, True, True)


def test_what_was_not_measured_is_not_met_and_says_so() -> None:
    found = verdicts({})
    assert not any(one["must_met"] or one["goal_met"] for one in found)
    shown = lines({}, found)
    assert len(shown) == 1 + len(TARGETS) + 1
    assert all("no data" in line for line in shown[1:-1])
    assert shown[-1].startswith(f"0 of {len(TARGETS)} musts")


def test_every_line_is_marked() -> None:
    report = reported(**{"hybrid R@1": 0.25})
    (line,) = [one for one in lines(report, verdicts(report)) if one.startswith("hybrid R@1 ")]
    assert " ".join(line.split()) == "hybrid R@1 25.0 % >= 20 MET >= 30 NOT MET"


def test_without_shared_data_only_the_scenes_are_measured(tmp_path: Path) -> None:
    assert places_of(None, tmp_path).corpus == tmp_path
    assert places_of(None, tmp_path / "none").corpus is None
    assert places_of(None, tmp_path).photos is None
