"""What is done to the real command line, and how often.

The harness scripts lie in the folder `harness` of the shared data (LEXSEARCH_SHARED); those in
`benchmarks/harness` add power cuts, a kill at every call, damage, and hours of use. What begins
with `tests/` is a test of this tree, run with as many examples as there are trials.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

OWN = Path(__file__).parent / "harness"
CLI = f"{sys.executable} -m lexsearch.cli"
NO_MODEL = "none"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a harness.

    Attributes:
        name: what it is called on the command line and in the results.
        script: of the harness, or a test of the tree.
        trials: how many, before scaling; 0 for a script that counts otherwise.
        unit: the option that takes them.
        part: as many are drawn with one seed and written down together; 0: all of them.
        arguments: further ones.
        needs_root: whether it mounts.
        model: the only model that it can be run with; empty: any; `none`: it runs none.
    """

    name: str
    script: str
    trials: int
    arguments: tuple[str, ...] = ()
    needs_root: bool = False
    model: str = ""
    unit: str = "--trials"
    part: int = 25

    @property
    def is_test(self) -> bool:
        """Whether the script is a test of the tree."""
        return self.script.startswith("tests/")


def _prepared(how: str) -> str:
    return f"--prepare-cmd={sys.executable} {OWN / 'prepare.py'} {how} {{photos}} {{index}}"


def _cut(command: str) -> str:
    return f"--cut-cmd={CLI} {command} --db {{index}}"


def _fuzz(what: str, test: str, thousands: int, model: str = NO_MODEL, part: int = 20_000) -> Run:
    """Ten minutes or more of one processor."""
    return Run(f"fuzz-{what}", test, 1_000 * thousands, model=model, part=part)


FUZZ = "tests/fuzz/test_fuzz.py"
RUNS = (
    Run("kill9", "kill9.py", 300),
    Run("kill9-every", "kill_every.py", 600),
    Run("kill9-syscalls", "kill9.py", 100, ("--syscalls",)),
    Run("kill9-int", "kill9.py", 50, ("--signal", "INT")),
    Run("kill9-term", "kill9.py", 50, ("--signal", "TERM")),
    Run("enospc-strace", "enospc.py", 200, ("--how", "strace")),
    Run("enospc-tmpfs", "enospc.py", 100, ("--how", "tmpfs"), needs_root=True),
    Run("enospc-fsize", "enospc.py", 100, ("--how", "fsize")),
    Run("two-writers", "two_writers.py", 50),
    Run("incremental", "incremental.py", 100, ("--rounds", "5", "--start", "16")),
    Run("powercut", "powercut.py", 100, needs_root=True),
    Run(
        "powercut-merge", "powercut.py", 30, (_prepared("merge"), "--lacks=4"), needs_root=True
    ),
    Run(
        "powercut-repair", "powercut.py", 30, (_cut("repair --yes"), "--break-catalog"),
        needs_root=True,
    ),
    Run(
        "powercut-upgrade", "powercut.py", 30,
        (_prepared("upgrade"), _cut("upgrade"), "--lacks=1000"),
        needs_root=True, model="toy",
    ),
    Run("powercut-collect", "powercut.py", 30, (_prepared("leftovers"),), needs_root=True),
    Run("bitflip", "bitflip.py", 2000),
    Run(
        "hostile-orders", "tests/indexer/test_hostile.py::test_in_any_order", 64, model="mini"
    ),
    Run(
        "folder-history", "tests/indexer/test_history.py::test_history", 2000,
        model="toy", part=100,
    ),
    Run(
        "index-history", "tests/lexsearch/bundle/test_history.py::test_history", 2000,
        model="toy", part=100,
    ),
    _fuzz("queries", f"{FUZZ}::test_any_line_is_a_query", 360),
    _fuzz("filters", f"{FUZZ}::test_any_line_is_a_filter_or_a_usage_error", 370),
    _fuzz("settings", f"{FUZZ}::test_any_settings_are_taken_or_a_usage_error", 220),
    _fuzz("decoders", f"{FUZZ}::test_any_answer_of_a_decoder_is_a_picture_or_refused", 730),
    _fuzz("pictures", f"{FUZZ}::test_mutated_pictures_are_decoded_or_named_and_kill_nobody", 570),
    _fuzz("segments", f"{FUZZ}::test_a_mutated_segment_is_refused_or_the_same", 740),
    _fuzz("lists", f"{FUZZ}::test_mutated_lists_are_refused_or_show_each_picture_once",
          4_000, part=200_000),
    _fuzz("files", "tests/lexsearch/bundle/test_fuzz.py", 30, part=5_000),
    _fuzz("bodies", "tests/lexsearch/server/test_fuzz.py::test_any_body_is_answered_or_refused",
          10, model="mini", part=1_000),
    Run("soak", "soak.py", 7200, model="toy", unit="--seconds", part=0),
    Run("rss-scale", "rss_scale.py", 0, ("--sizes", "200,1000,4000")),
    # The first of more than 5,000 leaves the code of word search compiled: 120 MB, once a machine.
    Run("rss-scale-50000", "rss_scale.py", 0, ("--sizes", "1000,10000,50000"), model="toy"),
)  # fmt: skip
