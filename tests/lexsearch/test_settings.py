"""Settings and where they come from."""

from pathlib import Path

import pytest

from lexsearch.errors import UsageError
from lexsearch.settings import Settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("DB", "MODEL", "DATA_DIR", "CACHE_DIR", "THREADS"):
        monkeypatch.delenv(f"LEXSEARCH_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_follow_the_system(home: Path) -> None:
    assert Settings.load().data_dir == home / "data" / "lexsearch"
    assert Settings.load().db == "default"


def test_each_source_overrides_those_before_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config" / "lexsearch").mkdir(parents=True)
    (home / "config" / "lexsearch" / "config.toml").write_text('db = "user"\nmodel = "user"\n')
    assert Settings.load().db == "user"
    (home / "lexsearch.toml").write_text('db = "folder"\n')
    assert Settings.load().db == "folder"
    monkeypatch.setenv("LEXSEARCH_DB", "environment")
    assert Settings.load().db == "environment"
    assert Settings.load(db="flag").db == "flag"
    assert Settings.load(db=None).model == "user"


def test_an_unknown_key_is_named_with_its_file(home: Path) -> None:
    (home / "lexsearch.toml").write_text("colour = 1\n")
    with pytest.raises(UsageError, match=r"lexsearch\.toml sets 'colour'"):
        Settings.load()


def test_broken_toml_is_named(home: Path) -> None:
    (home / "lexsearch.toml").write_text("db = \n")
    with pytest.raises(UsageError, match="not valid TOML"):
        Settings.load()


@pytest.mark.parametrize("value", ["many", "-1"])
def test_a_wrong_number_of_threads_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXSEARCH_THREADS", value)
    with pytest.raises(UsageError, match="threads"):
        Settings.load()


def test_the_late_kernel_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.defaults().late_kernel == "auto"
    monkeypatch.setenv("LEXSEARCH_LATE_KERNEL", "numpy")
    assert Settings.load().late_kernel == "numpy"


def test_the_fusion_is_a_setting_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().fusion == "auto"
    monkeypatch.setenv("LEXSEARCH_FUSION", "rrf")
    assert Settings.load().fusion == "rrf"
    assert Settings.load(fusion="dbsf").fusion == "dbsf"
