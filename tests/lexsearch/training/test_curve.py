"""The log of a run's losses and its picture."""

from pathlib import Path

import pytest

from lexsearch.training.curve import LossLog, save_curve


def test_lines_are_read_as_they_were_written(tmp_path: Path) -> None:
    log = LossLog(tmp_path / "new" / "losses.jsonl")
    assert log.read() == []
    log.append(0, {"dense": 1.25, "late": 2.0})
    log.append(1, {"dense": 1.0})
    assert log.read() == [(0, {"dense": 1.25, "late": 2.0}), (1, {"dense": 1.0})]
    first = log.path.read_text().splitlines()[0]
    assert first == '{"step": 0, "losses": {"dense": 1.25, "late": 2.0}}'


def test_a_resumed_run_drops_the_steps_that_it_does_again(tmp_path: Path) -> None:
    log = LossLog(tmp_path / "losses.jsonl")
    log.resume(0)
    for step in range(6):
        log.append(step, {"dense": float(step)})
    log.resume(4)
    log.append(4, {"dense": 9.0})
    assert [(step, losses["dense"]) for step, losses in log.read()] == [
        (0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0), (4, 9.0),
    ]  # fmt: skip
    log.resume(0)
    assert log.read() == []


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    log = LossLog(tmp_path / "losses.jsonl")
    log.append(0, {"dense": 1.0})
    with log.path.open("a") as file:
        file.write('{"step": 1, "los')
    assert log.read() == [(0, {"dense": 1.0})]
    log.resume(1)
    log.append(1, {"dense": 2.0})
    assert len(log.read()) == 2


def test_a_value_that_is_no_number_is_kept(tmp_path: Path) -> None:
    log = LossLog(tmp_path / "losses.jsonl")
    log.append(0, {"dense": float("nan")})
    assert log.read()[0][1]["dense"] != log.read()[0][1]["dense"]


@pytest.mark.parametrize("names", [("dense",), ("a", "b", "c", "d", "e")])
def test_the_curve_is_a_picture(tmp_path: Path, names: tuple[str, ...]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from PIL import Image

    log = LossLog(tmp_path / "losses.jsonl")
    for step in range(60):
        log.append(step, dict.fromkeys(names, 2.0 / (step + 1)))
    save_curve(log.path, tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > 400
    assert not (tmp_path / "curve.tmp").exists()


def test_nothing_to_draw_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    with pytest.raises(ValueError, match="has no line"):
        save_curve(tmp_path / "none.jsonl", tmp_path / "curve.png")
