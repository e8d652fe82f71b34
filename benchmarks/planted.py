"""The faults that are planted, and what has to catch each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted fault.

    Attributes:
        name: what it is called.
        fault: in words.
        edits: file, text that stands in it once, text in its place.
        tests: pytest nodes, each of which must fail.
        runs: names and trials of harness runs, each of which must fail.
        model: of these runs; the files of the toy hold next to nothing beside their headers.
    """

    name: str
    fault: str
    edits: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...] = ()
    runs: tuple[tuple[str, int], ...] = ()
    model: str = "toy"


BUNDLE = "tests/lexsearch/bundle/"
CUT = BUNDLE + "test_power_cut.py"
EXT4 = BUNDLE + "test_ext4_power_cut.py::test_what_was_reported_before_the_power_went_is_there"
MUTANTS = (
    Mutant(
        "nofsync", "files of a segment are not synced",
        (("lexsearch/bundle/disk.py", "        disk.sync(file)\n\n\n@contextlib",
          "\n\n@contextlib"),),
        tests=(CUT + "::test_what_a_commit_reported_survives_a_power_cut", EXT4),
        runs=(("powercut", 8), ("powercut-merge", 6)),
    ),
    Mutant(
        "nodirsync", "the name of a segment is not synced",
        (("lexsearch/bundle/disk.py", "        disk.sync_dir(final.parent)\n", ""),),
        tests=(CUT + "::test_what_a_commit_reported_survives_a_power_cut",),
    ),
    Mutant(
        "nofolder", "the name of the index folder is not synced",
        (("lexsearch/bundle/creation.py", "            disk.sync_dir(one.parent)",
          "            pass"),),
        tests=(CUT + "::test_what_a_commit_reported_survives_a_power_cut",),
    ),
    Mutant(
        "sync-normal", "the catalog commits with synchronous=NORMAL",
        (("lexsearch/catalog/database.py", "synchronous=FULL\",", "synchronous=NORMAL\","),),
        tests=(EXT4,),
        runs=(("powercut", 8),),
    ),
    Mutant(
        "sync-off", "the catalog commits with synchronous=OFF",
        (("lexsearch/catalog/database.py", "synchronous=FULL\",", "synchronous=OFF\","),),
        runs=(("powercut-upgrade", 8),),
    ),
    Mutant(
        "rows-first", "rows are committed before the files have their name",
        (("lexsearch/bundle/disk.py",
          "        disk.rename(temporary, final)\n        disk.sync_dir(final.parent)\n", ""),
         ("lexsearch/bundle/writer.py",
          "                small = compact.small_segments(repository.segments(connection))\n",
          "                small = compact.small_segments(repository.segments(connection))\n"
          "            if segment is not None:\n"
          "                final = self.directory / 'segments' / segment.ulid\n"
          "                self._disk.rename(final.with_suffix('.tmp'), final)\n"
          "                self._disk.sync_dir(final.parent)\n")),
        tests=(BUNDLE + "test_writer.py::"
               "test_a_crash_at_any_call_of_a_commit_leaves_the_generation_before",),
        runs=(("kill9-syscalls", 25), ("kill9-every", 25)),
    ),
    Mutant(
        "autocommit", "the catalog changes statement by statement",
        (("lexsearch/catalog/database.py",
          '        connection.exec_driver_sql("BEGIN IMMEDIATE")', "        pass"),),
        tests=(BUNDLE + "test_upgrade.py::"
               "test_an_upgrade_that_breaks_off_leaves_the_older_version_opening",),
    ),
    Mutant(
        "nolock", "writers do not exclude each other",
        (("lexsearch/bundle/lock.py", "        try:\n            self._lock.acquire(",
          "        return\n        try:\n            self._lock.acquire("),),
        tests=(BUNDLE + "test_writer.py::test_a_second_writer_is_refused_at_once_and_named",),
        runs=(("two-writers", 3),),
    ),
    Mutant(
        "nochecksum", "blocks and whole files are not compared with their checksums",
        (("lexsearch/bundle/container.py",
          "            if zlib.crc32(block) != self.checksums[i]:", "            if False:"),
         ("lexsearch/bundle/verify.py",
          "        if read_data and digest_of(path) != listed.sha256:",
          "        if False:")),
        tests=(BUNDLE + "test_damage.py::test_a_flipped_bit_is_an_error_or_changes_nothing",),
        runs=(("bitflip", 20), ("fuzz-segments", 1_000)),
        model="mini",
    ),
    Mutant(
        "norowcrc", "rows of the catalog are not compared with their checksums",
        (("lexsearch/bundle/catalog_file.py",
          "    if any(row[0] != checksum(row[1:]) for row in rows):", "    if False:"),
         ("lexsearch/bundle/catalog_file.py", "        if crc != checksum(values):",
          "        if False:")),
        tests=(BUNDLE + "test_damage.py::test_a_reader_is_told_of_a_damaged_row",),
    ),
    Mutant(
        "swallow", "errors of the disk are swallowed",
        (("indexer/pipeline.py", "                commit(writer, batch, vectors)\n",
          "                try:\n                    commit(writer, batch, vectors)\n"
          "                except OSError:\n                    pass\n"),),
        tests=("tests/indexer/test_durability.py::"
               "test_a_disk_that_is_full_at_any_size_loses_nothing_and_is_said",),
        runs=(("enospc-strace", 25), ("enospc-tmpfs", 8), ("enospc-fsize", 8)),
    ),
    Mutant(
        "early", "`committed N` is said before the commit",
        (("indexer/pipeline.py", "            with tally.clock(\"commit\"):\n"
          "                commit(writer, batch, vectors)\n",
          "            listen(Progress(tally.done + 1, tally.total, tally.encoded"
          " + len(batch.fresh), ''))\n"
          "            with tally.clock(\"commit\"):\n"
          "                commit(writer, batch, vectors)\n"),),
        tests=("tests/indexer/test_durability.py::"
               "test_what_is_reported_as_committed_is_in_the_index_already",),
        runs=(("kill9-syscalls", 25),),
    ),
    Mutant(
        "late", "`committed N` is said a moment before the commit",
        (("indexer/pipeline.py", "            with tally.clock(\"commit\"):\n"
          "                commit(writer, batch, vectors)\n",
          "            listen(Progress(tally.done + 1, tally.total, tally.encoded"
          " + len(batch.fresh), ''))\n"
          "            __import__('time').sleep(0.3)\n"
          "            with tally.clock(\"commit\"):\n"
          "                commit(writer, batch, vectors)\n"),),
        runs=(("kill9", 20),),
    ),
    Mutant(
        "greedy", "the garbage of an index is taken to be all that is old",
        (("lexsearch/bundle/garbage.py", " and path.name not in named\n", "\n"),
         ("lexsearch/bundle/garbage.py", "GRACE_S = 60.0", "GRACE_S = 0.0")),
        runs=(("powercut-collect", 3),),
    ),
    Mutant(
        "forgetful", "a repair leaves out a segment",
        (("lexsearch/bundle/repair.py",
          "    for one in sound:\n        number = repository.add_segment(",
          "    for one in sound[1:]:\n        number = repository.add_segment("),),
        runs=(("powercut-repair", 3),),
    ),
    Mutant(
        "nograce", "replaced files go at once, under the eyes of readers",
        (("lexsearch/bundle/garbage.py", "GRACE_S = 60.0", "GRACE_S = 0.0"),),
        tests=(BUNDLE + "test_compact.py::test_dropped_files_go_after_the_time_of_grace",),
    ),
    Mutant(
        "noreload", "a reader does not move on when a merge took its files",
        (("lexsearch/opened.py",
          "                if not self.reload() and self.engine is engine:",
          "                if True:"),),
        tests=("tests/lexsearch/test_api.py::"
               "test_a_reader_whose_files_a_merge_removed_answers_from_the_newest_commit",),
    ),
    Mutant(
        "clinging", "a reader that moves on keeps the commit before open",
        (("lexsearch/opened.py", "            before = self._snapshot.identity\n",
          "            before = self._snapshot.identity\n"
          "            _of_parents.append((self._snapshot, self._engine))\n"),),
        runs=(("soak", 120),),
    ),
    Mutant(
        "newer", "a catalog of a newer version is taken for ours",
        (("lexsearch/bundle/catalog_file.py", "    if step > known:", "    if False:"),),
        tests=(BUNDLE + "test_upgrade.py::test_a_newer_index_is_not_touched",),
    ),
    Mutant(
        "nobackup", "an upgrade keeps no backup",
        (("lexsearch/bundle/upgrade.py", "    _keep(path, backup, disk)\n", ""),),
        tests=(BUNDLE + "test_upgrade.py::"
               "test_an_older_index_is_upgraded_in_place_and_its_catalog_kept",),
    ),
    Mutant(
        "noresume", "a run forgets what it holds and encodes a renamed picture again",
        (("indexer/plan.py", "        if digest is not None and digest in self.known.contents:\n"
          "            self.arrivals", "        if False:\n            self.arrivals"),),
        tests=("tests/indexer/test_pipeline.py::test_a_rename_costs_nothing",),
    ),
    Mutant(
        "nodelete", "pictures that are gone stay in the index",
        (("indexer/plan.py", "    made.leaving = absent.leaving\n", ""),),
        tests=("tests/indexer/test_pipeline.py::test_a_deleted_picture_leaves",
               "tests/indexer/test_history.py::test_history"),
        runs=(("incremental", 3), ("folder-history", 20)),
    ),
    Mutant(
        "unremoved", "one of the paths that left stays in the catalog",
        (("lexsearch/catalog/repository.py",
          'delete_where(connection, tables.image, "path", list(found))',
          'delete_where(connection, tables.image, "path", list(found)[1:])'),),
        runs=(("index-history", 10),),
    ),
    Mutant(
        "contagious", "a bad file takes the rest of its batch along",
        (("indexer/encode.py", "            continue\n        files.append(",
          "            break\n        files.append("),),
        runs=(("hostile-orders", 2),),
    ),
    Mutant(
        "half", "half a letter in a query or a condition is left as it is",
        (("lexsearch/query.py", 'text.encode("utf-8", "replace").decode("utf-8")', "text"),
         ("lexsearch/bundle/conditions.py", "    except UnicodeEncodeError as error:",
          "    except ZeroDivisionError as error:")),
        runs=(("fuzz-queries", 1_000), ("fuzz-filters", 2_000)),
    ),
    Mutant(
        "deep", "files may be nested more deeply than Python goes",
        (("lexsearch/settings.py", "UnicodeDecodeError, RecursionError)", "UnicodeDecodeError)"),
         ("lexsearch/bundle/format.py", "(ValueError, RecursionError)", "ValueError")),
        runs=(("fuzz-settings", 200), ("fuzz-files", 200)),
    ),
    Mutant(
        "trusting", "a decoder is believed to answer as it should",
        (("indexer/wire.py", "(ValueError, TypeError, struct.error, RecursionError)",
          "(ValueError, TypeError, RecursionError)"),),
        runs=(("fuzz-decoders", 200),),
    ),
    Mutant(
        "surprised", "decoders of pictures are thought to raise OSError only",
        (("indexer/decode.py", "    except Exception as error:  # decoders raise",
          "    except OSError as error:  # decoders raise"),),
        runs=(("fuzz-pictures", 2_000),),
    ),
    Mutant(
        "unasked", "what is no base64 in a request is thought to be a fault of the server",
        (("lexsearch/server/queries.py", "    except ValueError as error:",
          "    except TypeError as error:"),),
        runs=(("fuzz-bodies", 400),),
    ),
    Mutant(
        "believed", "the numbers in inverted lists are believed",
        (("lexsearch/stores/dense/_packed.py", "    _refuse_numbers(index, numbers)\n", ""),),
        tests=("tests/fuzz/test_fuzz.py::"
               "test_mutated_lists_are_refused_or_show_each_picture_once",),
        runs=(("fuzz-lists", 2_000),),
    ),
    Mutant(
        "mapped", "files are verified through their mapping",
        (("lexsearch/bundle/file_bytes.py", "    if isinstance(data, bytes) or not hasattr",
          "    if True or not hasattr"),),
        tests=(BUNDLE + "test_file_bytes.py::test_a_file_that_is_cut_while_it_is_open_is_damaged",),
    ),
    Mutant(
        "forsaken", "a server that a signal ended stays ended",
        (("lexsearch/restarts.py", "if -code not in FATAL:", "if code:"),),
        tests=("tests/lexsearch/server/test_supervisor.py::"
               "test_what_a_signal_ends_answers_again_at_the_same_address",),
    ),
    Mutant(
        "nohandler", "Ctrl-C and SIGTERM end a run where it stands",
        (("indexer/interrupt.py", "    if threading.current_thread() is not",
          "    if threading.current_thread() is"),),
        tests=("tests/indexer/test_cli.py::"
               "test_the_first_signal_commits_the_batch_and_the_next_run_goes_on",),
    ),
    Mutant(
        "deaf", "what hears Ctrl-C and SIGTERM breaks when they come",
        (("indexer/interrupt.py", "            asked.set()\n            sys.stderr.write(",
          "            asked.set(number)\n            sys.stderr.write("),),
        runs=(("kill9-int", 6), ("kill9-term", 8)),
    ),
    Mutant(
        "links", "links, pipes and devices in an index are opened",
        (("lexsearch/bundle/plain.py", "    if found:\n", "    if False:\n"),),
        tests=(BUNDLE + "test_hostile_index.py::"
               "test_what_is_no_file_is_refused_and_not_waited_for",),
    ),
    Mutant(
        "hoard", "a run keeps every picture it decoded",
        (("indexer/pipeline.py", "            held.add(",
          "            globals().setdefault('HOARD', []).append((batch, vectors))\n"
          "            held.add("),),
        tests=("tests/indexer/test_durability.py::"
               "test_a_run_lets_go_of_what_it_has_committed",),
        runs=(("rss-scale", 0),),
        model="mini",
    ),
    Mutant(
        "mindful", "a plan keeps what the index knows of every file",
        (("indexer/plan.py", "_side_by_side(found.files, known.files())",
          "_side_by_side(found.files, list(known.files()))"),),
        tests=("tests/indexer/test_durability.py::"
               "test_a_plan_takes_little_memory_for_a_file",),
    ),
)  # fmt: skip
