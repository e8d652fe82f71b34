"""A TULIP whose theta is wrong is told from one whose theta is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from lexsearch.cli import main  # noqa: E402
from lexsearch.encoders._acceptance import (  # noqa: E402
    LEAST,
    THETAS,
    Setting,
    Trial,
    accept_tulip,
    judge,
    reciprocal_ranks,
    setting_of,
)
from lexsearch.encoders._clip_tower import load_tulip  # noqa: E402
from lexsearch.encoders._families import texts_of  # noqa: E402
from lexsearch.encoders._weights import read_weights  # noqa: E402
from lexsearch.errors import ModelMissing, UsageError  # noqa: E402
from lexsearch.nn.rotary import expanded_theta  # noqa: E402

WORDS = ["red", "green", "dog", "park", "horse", "beach", "house", "bike", "white", "man"]
COUNT = 40


def captions() -> list[str]:
    rng = np.random.default_rng(5)
    return [" ".join(rng.choice(WORDS, 30)) for _ in range(COUNT)]


def pictures() -> np.ndarray:
    return np.random.default_rng(6).integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def fitted(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes a TULIP that finds the picture of every caption with one theta: its last projection
    solves for that exactly, as training would approach it."""

    def make(theta: float) -> Path:
        folder = tmp_path_factory.mktemp("tulip")
        tower = load_tulip(tiny.tulip, theta=theta)
        texts = texts_of(tower, tiny.tulip)
        seen, _ = tower.image(
            tower.preprocess.normalise(pictures(), torch.device("cpu"), torch.float32)
        )
        with torch.inference_mode():
            states = []
            for text in captions():
                ids, _ = texts.batch([texts.row(text)])
                states.append(tower.encode_text.states(ids)[0, int(tower.ends(ids)[0])])
            unit = torch.nn.functional.normalize(seen, dim=1).double()
            wanted = torch.linalg.pinv(unit).T  # 1 with the own picture, 0 with the others
            solved = (torch.linalg.pinv(torch.stack(states).double()) @ wanted).float()
        state = {k.removeprefix("module."): v for k, v in read_weights(tiny.tulip).items()}
        state["text_projection"] = solved.clone()
        state = {k: v.contiguous() for k, v in state.items() if isinstance(v, torch.Tensor)}
        save_file(state, str(folder / "tulip.safetensors"))
        (folder / "tokenizer.json").write_bytes((tiny.tulip / "tokenizer.json").read_bytes())
        return folder

    return make


def try_out(folder: Path, **options: Any) -> Any:
    return accept_tulip(
        folder, captions(), range(COUNT), lambda spec: pictures(), device="cpu", **options
    )


@pytest.mark.parametrize("right", [10_000.0, 206_278.42])
def test_the_theta_of_the_weights_is_found_and_another_is_refused(
    fitted: Any, right: float
) -> None:
    folder = fitted(right)
    verdict = try_out(folder, theta=right)
    assert verdict.status != "refused"
    # The three expanded thetas are near each other, and so are the two activations.
    assert verdict.theta_is_clear == (right == 10_000.0)
    assert 10_000.0 not in {one.theta for one in verdict.rivals} or right == 10_000.0
    assert verdict.given.recall_at_1 == verdict.trials[0].recall_at_1
    assert verdict.given.setting == Setting(right, "gelu", "quick_gelu")
    assert verdict.given.recall_at_1 > 0.9
    assert len(verdict.trials) == len(THETAS) * 2 * 2
    assert verdict.long_texts == COUNT
    verdict.demand("tulip")
    wrong = next(theta for theta in THETAS if theta != right)
    verdict = try_out(folder, theta=wrong)
    assert verdict.status == "refused"
    assert not verdict.theta_is_clear
    assert right in {one.theta for one in verdict.rivals}
    with pytest.raises(ModelMissing, match=f"not trained with theta={wrong:.0f}.*100.0%; give"):
        verdict.demand("tulip")


def test_a_theta_that_nobody_expected_is_tried_too(fitted: Any) -> None:
    verdict = try_out(fitted(10_000.0), theta=500.0)
    assert len(verdict.trials) == 5 * 2 * 2
    assert verdict.status == "refused"


def test_random_weights_are_undecided(tiny: Any) -> None:
    verdict = try_out(tiny.tulip)
    assert verdict.status == "undecided"
    assert not verdict.theta_is_clear
    verdict.demand("tulip")


def test_ranks_count_what_scores_as_well_and_better() -> None:
    texts = np.eye(3, dtype=np.float32)
    pictures = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 2]], np.float32)
    found = reciprocal_ranks(texts, pictures, np.array([1, 1, 3]))
    assert found.tolist() == [1 / 2, 1.0, 1 / 2]


def test_a_difference_within_its_error_decides_nothing() -> None:
    rng = np.random.default_rng(0)
    one, other, third = (Setting(t, "gelu", "gelu") for t in (1.0, 2.0, 3.0))
    ranks = 1 / rng.integers(1, 9, 200)
    noise = np.where(rng.random(200) < 0.5, ranks, 1 / rng.integers(1, 9, 200))
    trials = [Trial(one, ranks), Trial(other, noise), Trial(third, ranks / 2)]
    verdict = judge(trials, one)
    assert (verdict.status, verdict.rivals) == ("undecided", (other,))
    assert judge(trials, third).status == "refused"
    assert judge([Trial(one, ranks), Trial(third, ranks / 2)], one).status == "accepted"
    same = judge([Trial(other, ranks), Trial(one, ranks)], other)
    assert [t.setting for t in same.trials] == [one, other]  # ties: order of the settings
    assert same.status == "undecided"
    with pytest.raises(UsageError, match=f"give {LEAST} or more"):
        judge([Trial(one, ranks[:5])], one)


def test_the_command_prints_every_setting_and_fails_on_a_wrong_one(
    fitted: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = []
    for i, (picture, text) in enumerate(zip(pictures(), captions(), strict=True)):
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
        lines.append(f"{i}.png\t{text}\n")
    (tmp_path / "captions.tsv").write_text("".join(lines))
    folder = fitted(10_000.0)
    ask = [
        "models", "accept", f"tulip:{folder}?theta=206278.42", "--images", str(tmp_path),
        "--captions", str(tmp_path / "captions.tsv"), "--device", "cpu",
    ]  # fmt: skip
    assert main([*ask, "--json"]) == 6
    shown = capsys.readouterr()
    assert json.loads(shown.out)["status"] == "refused"
    assert "give the latter behind the name" in shown.err
    ask[2] = f"tulip:{folder}"
    assert main(ask) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].startswith("theta=10000&text_activation=gelu")
    assert sum("given" in line for line in out.splitlines()[:-1]) == 1
    assert f"{COUNT} captions, {COUNT} of more than 77 tokens" in out
    assert "accepted: what was given is clearly better" in out or "theta is clear" in out
    ask[2] = "clip-b32"
    assert main(ask) == 2


@pytest.mark.shared
@pytest.mark.parametrize("name", ["theta10000", "ntk_77_248_a8"])
def test_the_official_text_vectors_are_those_of_their_own_theta(shared: Path, name: str) -> None:
    """Vectors of the official code stand for the pictures; each text must find its own."""
    folder = shared / "golden" / "tulip"
    meta = json.loads((folder / "meta.json").read_text())
    io = load_file(str(folder / "io.safetensors"))
    right = meta["theta"][name]
    assert right in (10_000.0, expanded_theta(77, 248, meta["config"]["head_dim"]))
    length = "len248"
    official = io[f"out.text.{name}.{length}"].numpy()
    trials = {}
    heads = {k: meta["config"][k] for k in ("vision_heads", "text_heads")}
    for theta in {*THETAS, *meta["theta"].values()}:
        from lexsearch.nn.clip_text import ClipText, load_text, text_shape

        state = load_file(str(folder / "weights.safetensors"))
        tower = ClipText(
            text_shape(state, heads=heads["text_heads"]), context=248, positions="rotary",
            activation="gelu", theta=theta,
        )  # fmt: skip
        load_text(tower, state)
        ids = io[f"in.tokens.{length}"]
        with torch.inference_mode():
            states = tower.states(ids) @ tower.text_projection
            found = states[torch.arange(len(ids)), ids.argmax(dim=1)].numpy()
        unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (found, official)]
        trials[theta] = float((unit[0] * unit[1]).sum(axis=1).mean())
    assert trials[right] == pytest.approx(1.0, abs=1e-5)
    others = [value for theta, value in trials.items() if abs(theta / right - 1) > 1e-3]
    assert len(others) >= 3
    assert max(others) < trials[right] - 1e-6


def test_a_loaded_tulip_says_its_setting(tiny: Any) -> None:
    assert setting_of(load_tulip(tiny.tulip)) == Setting(10_000.0, "gelu", "quick_gelu")
    chosen = load_tulip(tiny.tulip, theta="133985.45", text_activation="quick_gelu")
    assert setting_of(chosen).options() == (
        "theta=133985.45&text_activation=quick_gelu&vision_activation=quick_gelu"
    )
