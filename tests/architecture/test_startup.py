"""What a start of the program may load."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "alembic", "faiss", "numba", "numpy", "onnxruntime", "PIL", "rich", "scipy", "sqlalchemy",
    "streamlit", "tokenizers", "torch", "transformers",
}  # fmt: skip


def loaded_after(code: str) -> set[str]:
    script = f"import json, sys\n{code}\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}


def test_help_loads_nothing_heavy() -> None:
    code = (
        "from lexsearch.cli import main\n"
        "sys.argv = ['lexsearch', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert not loaded_after(code) & HEAVY


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_after("import lexsearch") & HEAVY


@pytest.mark.parametrize("module", ["lexsearch.api", "lexsearch.engine", "lexsearch.results"])
def test_the_search_path_loads_no_database_toolkit_and_no_compiler(module: str) -> None:
    unwanted = HEAVY - {"numpy", "tokenizers"}
    assert not loaded_after(f"import {module}") & unwanted


def test_a_public_name_exists_for_every_entry() -> None:
    import lexsearch

    assert sorted(lexsearch.__all__) == lexsearch.__all__
    for name in lexsearch.__all__:
        assert getattr(lexsearch, name) is not None
