"""The command as a user runs it, on the sample pictures, from the first index to the demo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lexsearch.cli.demo import corpus

PNG = b"\x89PNG\r\n\x1a\n"
QUERY = "a red car"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        record: dict[str, object] = json.loads(self.out)
        return record


@dataclass(frozen=True)
class World:
    """A folder of photos, an index of it, and the command."""

    home: Path
    photos: Path
    first: Done

    def run(self, *arguments: str | os.PathLike[str], db: str | None = "./index") -> Done:
        return lexsearch(self.home, *arguments, *(("--db", db) if db else ()))


def lexsearch(home: Path, *arguments: str | os.PathLike[str]) -> Done:
    beside = Path(sys.executable).with_name("lexsearch")
    start = [str(beside)] if beside.exists() else [sys.executable, "-m", "lexsearch.cli"]
    keep = {k: v for k, v in os.environ.items() if not k.startswith("LEXSEARCH_")}
    if len(start) > 1:
        keep["PYTHONPATH"] = str(Path(__file__).parents[2])
    folders = {"HOME": str(home), "XDG_DATA_HOME": f"{home}/data", "XDG_CACHE_HOME": f"{home}/c"}
    run = subprocess.run(
        [*start, *map(os.fspath, arguments)],
        cwd=home,
        env={**keep, **folders},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    out, err = (text.decode("utf-8", "surrogateescape") for text in (run.stdout, run.stderr))
    assert "Traceback" not in err
    return Done(run.returncode, out, err)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    home = tmp_path_factory.mktemp("home")
    photos = home / "photos"
    shutil.copytree(corpus(), photos, ignore=lambda _, names: [n for n in names if n[-3:] == ".py"])
    return World(home, photos, lexsearch(home, "index", "photos", "--db", "./index", "--json"))


@pytest.fixture(scope="module")
def best(world: World) -> str:
    hits = world.run("search", QUERY, "--format", "json").json["hits"]
    assert isinstance(hits, list)
    return str(hits[0]["path"])


def test_the_first_index_encodes_every_picture(world: World) -> None:
    assert world.first.code == 0
    record = world.first.json
    assert record["encoded"] == record["new"] != 0
    assert record["skipped"] == []


def test_a_second_index_encodes_nothing(world: World) -> None:
    again = world.run("index", "photos", "--json")
    assert again.code == 0
    assert again.json["encoded"] == 0


def test_a_search_prints_the_promised_json(world: World) -> None:
    done = world.run("search", QUERY, "--format", "json", "-t", "5")
    assert done.code == 0
    record = done.json
    assert (record["schema"], record["query"]) == (1, QUERY)
    hits = record["hits"]
    assert isinstance(hits, list)
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5]
    assert set(hits[0]) >= {"rank", "path", "id", "score", "scores", "terms"}
    assert set(hits[0]["scores"]) == {"lexical", "dense", "late", "fused"}


@pytest.mark.parametrize("mode", ["lexical", "dense", "late", "hybrid"])
def test_every_mode_returns_as_many_hits_as_asked(world: World, mode: str) -> None:
    done = world.run("search", QUERY, "--mode", mode, "-t", "7", "-f")
    assert done.code == 0
    assert done.out.count("\n") == 7


@pytest.mark.parametrize("format_", ["table", "json", "jsonl", "csv", "tsv", "paths", "trec"])
def test_every_format_is_printed(world: World, format_: str) -> None:
    done = world.run("search", QUERY, "--format", format_, "-t", "2")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert done.out.count("\n") >= (1 if format_ == "json" else 2)


def test_words_without_a_command_are_a_search(world: World) -> None:
    plain = world.run(QUERY, "-f")
    assert (plain.code, plain.out) == (0, world.run("search", QUERY, "-f").out)


def test_explain_adds_up_to_the_lexical_score(world: World, best: str) -> None:
    record = world.run("explain", QUERY, best, "--json").json
    terms, scores, weights = record["terms"], record["scores"], record["weights"]
    assert isinstance(terms, list)
    assert isinstance(scores, dict)
    assert isinstance(weights, dict)
    total = sum(term["contribution"] for term in terms)
    assert total == pytest.approx(scores["lexical"], abs=1e-4)
    fused = sum(weights[name] * scores[name] for name in weights)
    assert fused == pytest.approx(scores["fused"], abs=1e-4)


def test_all_words_of_a_hit_add_up_too(world: World) -> None:
    hits = world.run("search", QUERY, "--explain", "--format", "json").json["hits"]
    assert isinstance(hits, list)
    for hit in hits:
        total = sum(term["contribution"] for term in hit["terms"])
        assert total == pytest.approx(hit["scores"]["lexical"], abs=1e-4)


def test_explain_writes_a_heat_map(world: World, best: str) -> None:
    done = world.run("explain", QUERY, best, "--heatmap", "why.png", "--word", "car")
    assert done.code == 0
    assert (world.home / "why.png").read_bytes().startswith(PNG)


def test_like_leaves_the_picture_itself_out(world: World, best: str) -> None:
    done = world.run("like", best, "-f", "-t", "50")
    assert done.code == 0
    assert done.out
    assert best not in done.out.splitlines()


def test_words_of_a_photo_of_a_query_and_of_a_prefix(world: World, best: str) -> None:
    for arguments in ([best], ["--query", QUERY], ["--complete", "ca"]):
        words = world.run("words", *arguments, "--json").json["words"]
        assert isinstance(words, list)
        assert words


def test_the_index_is_healthy(world: World) -> None:
    done = world.run("check", "--read-data")
    assert done.code == 0
    first = done.out.split()[0]
    status = world.run("status", "--json").json
    assert int(first) == status["images"]


def test_nothing_was_skipped(world: World) -> None:
    assert world.run("errors", "--json").json == {"schema": 1, "skipped": []}


def test_a_copied_photo_is_a_duplicate_and_costs_nothing(world: World, best: str) -> None:
    shutil.copy(best, world.photos / "copy.png")
    assert world.run("index", "photos", "--json").json["encoded"] == 0
    groups = world.run("dups", "--json").json["exact"]
    assert isinstance(groups, list)
    assert [sorted(Path(p).name for p in group) for group in groups] == [
        sorted(["copy.png", Path(best).name])
    ]
    (world.photos / "copy.png").unlink()
    assert world.run("index", "photos", "--json").code == 0


def test_a_broken_file_is_named_with_its_reason(world: World) -> None:
    (world.photos / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    assert world.run("index", "photos").code == 0
    assert "broken.jpg" in world.run("errors").out
    (world.photos / "broken.jpg").unlink()
    world.run("index", "photos")


@pytest.mark.skipif(sys.platform != "linux", reason="names there must be Unicode")
def test_a_name_that_is_not_utf8_comes_back_byte_for_byte(world: World, best: str) -> None:
    odd = os.fsencode(world.photos) + b"/caf\xe9\n.png"
    shutil.copy(best, odd)
    Path(best).rename(world.home / "aside")
    try:
        world.run("index", "photos")
        raw = world.run("search", QUERY, "-t", "1", "-0").out
        assert raw.encode("utf-8", "surrogateescape") == odd + b"\0"
        assert "caf\\xe9\\x0a.png" in world.run("search", QUERY, "-t", "1").out
        (hit,) = world.run("search", QUERY, "-t", "1", "--format", "json").json["hits"]  # type: ignore[misc]
        assert "path_bytes" in hit
    finally:
        (world.home / "aside").rename(best)
        os.unlink(odd)
        world.run("index", "photos")


def test_copies_of_the_hits_are_made_and_never_overwrite(world: World) -> None:
    for _ in range(2):
        done = world.run("search", QUERY, "-t", "3", "-f", "--copy-to", "found")
        assert done.code == 0
    names = sorted(path.name for path in (world.home / "found").iterdir())
    assert [name[:5] for name in names] == ["0001_", "0002_", "0003_"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["search", QUERY, "--filter", "type:tiff"], 1), (["search", ""], 2), (["status"], 0)],
    ids=["nothing", "empty", "status"],
)
def test_exit_codes(world: World, arguments: list[str], code: int) -> None:
    assert world.run(*arguments).code == code


def test_an_empty_list_is_still_json(world: World) -> None:
    done = world.run("search", QUERY, "--filter", "type:tiff", "--format", "json")
    assert (done.code, done.json["hits"]) == (1, [])


def test_doctor_finds_the_program_healthy(world: World) -> None:
    done = lexsearch(world.home, "doctor", "--json")
    findings = done.json["findings"]
    assert isinstance(findings, list)
    assert [f for f in findings if f["level"] == "bad"] == []
    assert done.code == 0


def test_retrieval_is_measured_and_written(world: World) -> None:
    names = sorted(path.name for path in world.photos.iterdir() if path.suffix == ".png")[:6]
    lines = [f"{name}\t{Path(name).stem.replace('_', ' ')}\n" for name in names]
    (world.home / "captions.tsv").write_text("".join(lines))
    done = world.run(
        "eval", "retrieval", "--images", "photos", "--captions", "captions.tsv",
        "--run", "run.trec", "--qrels", "qrels.txt", "--json",
    )  # fmt: skip
    assert done.code == 0
    modes = done.json["modes"]
    assert isinstance(modes, dict)
    assert set(modes) == {"lexical", "dense", "late", "hybrid"}
    for figures in modes.values():
        assert set(figures) == {"R@1", "R@5", "R@10", "nDCG@10", "RR", "ms_p50"}
        assert 0 <= figures["R@1"] <= figures["R@5"] <= figures["R@10"] <= 1
    for name in ("run.trec", "run.trec.lexical", "run.trec.dense", "run.trec.late"):
        assert len((world.home / name).read_text().splitlines()[0].split()) == 6
    assert len((world.home / "qrels.txt").read_text().splitlines()) == len(names)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[..., Done]:
    return lambda *arguments: lexsearch(tmp_path, *arguments)


def test_the_demo_explains_itself_and_can_run_again(
    fresh: Callable[..., Done], tmp_path: Path
) -> None:
    first = fresh("demo")
    assert first.code == 0
    assert first.out.count("\n") < 60
    assert (tmp_path / "lexsearch-demo/why.png").read_bytes().startswith(PNG)
    assert "See why" in first.out
    again = fresh("demo")
    assert again.code == 0
    assert "0 of them were new" in again.out


def test_a_db_is_listed_and_removed(fresh: Callable[..., Done], world: World) -> None:
    assert fresh("index", world.photos, "--db", "mine").code == 0
    assert "mine" in fresh("db", "list").out
    assert fresh("db", "remove", "mine", "--yes").code == 0
    assert "mine" not in fresh("db", "list").out
    assert world.photos.is_dir()


def test_an_index_travels_as_one_file(world: World) -> None:
    assert lexsearch(world.home, "db", "export", "./index", "index.tar").code == 0
    assert lexsearch(world.home, "db", "import", "index.tar", "./other").code == 0
    assert lexsearch(world.home, "db", "move", "./other", "./moved").code == 0
    there = world.run("search", QUERY, "-f", db="./moved")
    assert (there.code, there.out) == (0, world.run("search", QUERY, "-f").out)
    assert lexsearch(world.home, "db", "remove", "./moved", "--yes").code == 0
    assert not (world.home / "moved").exists()


def test_a_sound_index_needs_no_repair(world: World) -> None:
    done = world.run("repair")
    assert done.code == 0
    assert "nothing to mend" in done.out


def test_damage_is_found_mended_and_encoded_again(
    fresh: Callable[..., Done], tmp_path: Path, world: World
) -> None:
    db = ("--db", "./ix")
    assert fresh("index", world.photos, *db).code == 0
    (segment,) = (tmp_path / "ix" / "segments").iterdir()
    damaged = segment / "lexical.lxs"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    assert fresh("check", *db, "--read-data").code == 4
    assert fresh("repair", *db).code == 2  # nobody answers the question
    assert fresh("repair", *db, "--yes").code == 0
    assert fresh("check", *db, "--read-data").code == 0
    again = fresh("index", world.photos, *db, "--json")
    assert again.json["encoded"] != 0
    assert fresh("search", QUERY, *db).code == 0


def test_a_cold_search_loads_no_compiler_and_no_database_toolkit(world: World) -> None:
    script = (
        "import sys\nfrom lexsearch.cli import main\n"
        f"code = main(['search', {QUERY!r}, '--db', {str(world.home / 'index')!r}, '-f'])\n"
        "print(code, *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    code, *modules = run.stdout.splitlines()[-1].split()
    assert code == "0"
    assert not set(modules) & {
        "alembic", "faiss", "numba", "rich", "scipy", "sqlalchemy", "torch", "PIL",
    }  # fmt: skip
