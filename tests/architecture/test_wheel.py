"""The packaging file asks for nothing it does not explain, and three plain packages."""

import tomllib
from pathlib import Path

import pytest

import indexer
import ui

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_wheel_holds_three_packages() -> None:
    build = tomllib.loads(PYPROJECT)["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build["packages"] == ["lexsearch", "indexer", "ui"]
    assert build["force-include"]["migrations"] == "lexsearch/_migrations"


@pytest.mark.parametrize("package", [indexer, ui])
def test_packages_with_common_names_say_whose_they_are(package: object) -> None:
    assert package.OWNER == "lexsearch"  # type: ignore[attr-defined]


def test_every_base_dependency_has_its_reason() -> None:
    block = PYPROJECT.split("\ndependencies = [")[1].split("\n]")[0].strip().splitlines()
    assert block
    assert all("#" in line for line in block)


def test_twenty_sample_pictures_travel_in_the_wheel() -> None:
    build = tomllib.loads(PYPROJECT)["tool"]["hatch"]["build"]["targets"]["wheel"]
    pictures = [path for path in build["force-include"] if path.startswith("sample_corpus/")]
    assert len(pictures) == 20
    assert all((ROOT / path).is_file() for path in pictures)
