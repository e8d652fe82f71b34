"""The lock file pins every byte of the first install: each version with its hashes, and no host."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENTRIES = [
    entry.replace("\\\n", " ")
    for entry in re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", TEXT, flags=re.M).strip())
]
LINUX = {
    "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64",
    "os_name": "posix", "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}  # fmt: skip


def pinned(python: str) -> dict[str, Version]:
    """Name -> version of what is installed on Linux with this Python."""
    here = {**LINUX, "python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    found: dict[str, Version] = {}
    for entry in ENTRIES:
        requirement = Requirement(entry.split("--hash")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(here):
            (specifier,) = requirement.specifier
            assert specifier.operator == "=="
            name = canonicalize_name(requirement.name)
            assert name not in found
            found[name] = Version(specifier.version)
    return found


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.split("==")[0])
def test_every_entry_is_one_version_with_hashes(entry: str) -> None:
    head, *hashes = entry.split("--hash=")
    assert re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*( ; .+)?", head.strip())
    assert hashes
    for value in hashes:
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", value.strip())


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_satisfies_what_the_project_asks_for(python: str) -> None:
    project = PROJECT["project"]
    asked = [
        *project["dependencies"],
        *project["optional-dependencies"]["cpu"],
        *PROJECT["dependency-groups"]["build"],
        *PROJECT["build-system"]["requires"],
    ]
    found = pinned(python)
    for line in asked:
        requirement = Requirement(line)
        version = found.get(canonicalize_name(requirement.name))
        assert version is not None, f"{line} is not locked; run: make lock"
        assert version in requirement.specifier, f"{line}: {version} is locked; run: make lock"


def test_the_lock_names_no_host_and_leaves_torch_to_the_second_command() -> None:
    assert "://" not in TEXT
    assert not re.search(r"^(-i|--index|--extra|--find|--trusted)", TEXT, flags=re.M)
    assert "torch" not in pinned("3.12")


def test_the_readme_installs_from_the_lock_in_one_line() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = readme.split("```sh\n")[1].split("\n```")[0]
    assert "\n" not in first
    assert "--require-hashes -r requirements.lock" in first
    assert "--no-deps --no-build-isolation -e ." in first
