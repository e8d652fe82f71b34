"""What the README promises names tests that are there, and each of the ten promises has its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLE = "tests/lexsearch/bundle/"
PROMISES = {
    "nothing reported committed is lost": (
        BUNDLE + "test_kill.py::test_what_a_killed_writer_reported_is_there",
        BUNDLE + "test_power_cut.py::test_what_a_commit_reported_survives_a_power_cut",
        BUNDLE + "test_ext4_power_cut.py::"
        "test_what_was_reported_before_the_power_went_is_there",
        "tests/indexer/test_durability.py::"
        "test_what_is_reported_as_committed_is_in_the_index_already",
        "tests/indexer/test_resuming.py::"
        "test_a_crash_loses_at_most_its_batch_and_resumes_in_the_same_batches",
    ),
    "the index always opens": (
        BUNDLE + "test_power_cut.py::test_a_power_cut_at_any_call_leaves_a_whole_commit",
        BUNDLE + "test_writer.py::"
        "test_a_crash_at_any_call_of_a_commit_leaves_the_generation_before",
        "tests/indexer/test_durability.py::"
        "test_a_disk_that_is_full_at_any_size_loses_nothing_and_is_said",
    ),
    "same folder, same answers": ("tests/indexer/test_history.py::test_history",),
    "never silently wrong": (
        BUNDLE + "test_damage.py::test_a_flipped_bit_is_an_error_or_changes_nothing",
        BUNDLE + "test_damage.py::test_a_reader_is_told_of_a_damaged_row",
        BUNDLE + "test_check_and_repair.py::test_one_flipped_bit_anywhere_is_seen",
        BUNDLE + "test_check_and_repair.py::"
        "test_a_bad_segment_is_set_aside_and_only_its_pictures_are_forgotten",
    ),
    "one writer, many readers": (
        BUNDLE + "test_writer.py::test_a_second_writer_is_refused_at_once_and_named",
        BUNDLE + "test_writer.py::test_a_writer_that_was_killed_leaves_no_lock",
        BUNDLE + "test_readers.py::test_readers_see_whole_commits_while_a_writer_writes",
    ),
    "a bad file never stops a run": (
        "tests/indexer/test_hostile.py::test_every_bad_file_is_named_with_its_reason",
        "tests/indexer/test_hostile.py::test_a_second_run_tries_nothing_that_failed",
        "tests/indexer/test_supervise.py::test_a_death_is_named_and_the_next_file_is_decoded",
    ),
    "flat memory": (
        "tests/indexer/test_durability.py::test_a_run_lets_go_of_what_it_has_committed",
        "tests/indexer/test_durability.py::test_a_plan_takes_little_memory_for_a_file",
        "tests/indexer/test_supervise.py::test_what_eats_memory_is_stopped_at_the_limit",
    ),
    "nothing is executed": (
        "tests/architecture/test_security.py::test_a_whole_use_of_the_program_unpickles_nothing",
        "tests/indexer/test_hostile.py::test_nothing_hostile_has_run",
        BUNDLE + "test_hostile_index.py::test_what_is_no_file_is_refused_and_not_waited_for",
    ),
    "this computer alone, else a token": (
        "tests/ui/test_launch.py::test_the_server_is_told_to_be_safe",
        "tests/ui/test_launch.py::test_no_setting_of_the_environment_weakens_it",
        "tests/lexsearch/server/test_process.py::"
        "test_another_host_makes_a_token_and_asks_for_it",
        "tests/lexsearch/server/test_guard.py::test_without_the_token_nothing_is_told",
    ),
    "old indexes open, newer ones are refused": (
        BUNDLE + "test_releases.py::"
        "test_it_answers_as_it_did_and_reading_changes_no_byte",
        BUNDLE + "test_upgrade.py::"
        "test_an_older_index_is_upgraded_in_place_and_its_catalog_kept",
        BUNDLE + "test_upgrade.py::"
        "test_every_command_refuses_a_newer_index_with_7_and_writes_nothing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_has_tests(promise: str) -> None:
    for node in PROMISES[promise]:
        path, _, name = node.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), node


def test_the_tests_that_the_readme_names_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests/)?[\w/]*test_\w+\.py)`", text)
    assert len(named) >= 10
    there = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for name in named:
        assert (ROOT / name).is_file() if "/" in name else name in there, name
