"""The client of a server: instant, equal answers, clear errors."""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `server` is not installed")

import uvicorn

from lexsearch import LexSearch
from lexsearch.cli import main
from lexsearch.cli.demo import corpus
from lexsearch.client import Client
from lexsearch.errors import ServerMissing, ServerRefused, ServerTooNew, UsageError
from lexsearch.query import Query
from lexsearch.server.application import create_app
from lexsearch.server.options import ServerOptions
from lexsearch.settings import Settings

SECRET = "a secret of enough letters"
PICTURES = ("scene_014.jpg", "scene_037.jpg", "scene_041.jpg", "scene_054.jpg", "scene_098.jpg")
FORMATS = ("table", "tsv", "csv", "json", "jsonl", "trec", "paths")


@pytest.fixture(scope="module")
def made_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("client")
    (place / "photos").mkdir()
    for name in PICTURES:
        shutil.copy(corpus() / name, place / "photos" / name)
    shutil.copy(corpus() / PICTURES[0], place / "photos" / "cópy\nof 14.jpg")
    raw = bytes(place / "photos") + b"/latin-\xe9.jpg"
    shutil.copy(corpus() / "scene_117.jpg", raw)
    with LexSearch.create(place / "db") as db:
        assert db.index(place / "photos").encoded == 6
    return place / "db"


def run_server(db: Path, place: Path, **options: Any) -> Iterator[str]:
    settings = Settings(place / "data", place / "cache", db=str(db))
    app = create_app(settings, ServerOptions(**options))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def address(made_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from run_server(made_db, tmp_path_factory.mktemp("open"))


@pytest.fixture(scope="module")
def closed(made_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from run_server(made_db, tmp_path_factory.mktemp("closed"), token=SECRET)


def printed(capfdbinary: pytest.CaptureFixture[bytes], *words: str) -> tuple[int, bytes, bytes]:
    capfdbinary.readouterr()
    code = main(list(words))
    out, err = capfdbinary.readouterr()
    return code, out, err


def without_times(out: bytes) -> bytes:
    try:
        record = json.loads(out)
    except ValueError:
        return out
    if isinstance(record, dict):
        record.pop("seconds", None)
    return json.dumps(record).encode()


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "words",
    [
        ["a red car in a street", "-t", "6"],
        ["car", "-boat", "--weight", "red=2", "--filter", "type:jpeg", "--cutoff", "auto"],
        ["car", "--must", "red", "--mode", "lexical"],
        ["xylophonist", "--explain", "--group-duplicates", "-t", "2"],
        ["--weight", "car=1.5", "--weight", "boat=-1", "--mode", "lexical"],
        ["car", "--sort", "date", "--rerank", "2"],
        ["car", "--filter", "after:2199"],
    ],
)
def test_a_server_gives_the_output_of_the_index_itself(
    made_db: Path,
    address: str,
    capfdbinary: pytest.CaptureFixture[bytes],
    format_: str,
    words: list[str],
) -> None:
    asked = ["search", *words, "--format", format_]
    own = printed(capfdbinary, *asked, "--db", str(made_db))
    served = printed(capfdbinary, *asked, "--server", address)
    assert served[0] == own[0]
    assert without_times(served[1]) == without_times(own[1])
    assert served[2] == own[2]


def test_pictures_are_sent_along(
    made_db: Path, address: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    photo = str(made_db.parent / "photos" / "scene_037.jpg")
    for words in (
        ["search", "a boat", "-i", photo, "--format", "json"],
        ["search", f"a boat - {photo}", "--format", "json"],
        ["like", photo, "--format", "json", "-t", "4"],
    ):
        own = printed(capfdbinary, *words, "--db", str(made_db))
        served = printed(capfdbinary, *words, "--server", address)
        assert served[0] == own[0] == 0, served[2]
        assert without_times(served[1]) == without_times(own[1])


EXPLAINED = [
    ["a red car"],
    ["a red car", "--json"],
    ["car", "--json", "--word", "street", "--word", "car"],
    ["red - boat", "--top-words", "2"],
    ["xylophonist after:2199"],
    ["red car", "-boat"],
]


@pytest.mark.parametrize("words", EXPLAINED)
@pytest.mark.parametrize("file", ["scene_037.jpg", "cópy\nof 14.jpg"])
def test_an_explanation_is_that_of_the_index_itself(
    made_db: Path,
    address: str,
    capfdbinary: pytest.CaptureFixture[bytes],
    words: list[str],
    file: str,
) -> None:
    """The picture is known by its bytes; of two paths of it the first is shown."""
    photo = made_db.parent / "photos" / file
    asked = ["explain", words[0], str(photo), *words[1:]]
    own = printed(capfdbinary, *asked, "--db", str(made_db))
    served = printed(capfdbinary, *asked, "--server", address)
    assert served == own
    assert own[0] == 0


def test_an_explained_query_may_hold_a_picture_and_the_photo_be_an_id_or_elsewhere(
    made_db: Path, address: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    photos = made_db.parent / "photos"
    asked = ["explain", f"a boat - {photos / 'scene_041.jpg'}", str(photos / "scene_037.jpg")]
    own = printed(capfdbinary, *asked, "--json", "--db", str(made_db))
    assert json.loads(own[1])["scores"]["late"] is not None
    elsewhere = shutil.copy(photos / "scene_037.jpg", tmp_path / "moved.jpg")
    for picture in (asked[2], json.loads(own[1])["id"], str(elsewhere)):
        served = printed(capfdbinary, *asked[:2], picture, "--json", "--server", address)
        assert served == own


def test_a_heat_map_of_a_server_is_that_of_the_index_itself(
    made_db: Path, address: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    asked = ["explain", "a red car", str(made_db.parent / "photos" / "scene_037.jpg"), "--heatmap"]
    for more in ([], ["--word", "street"]):
        drawn = []
        for name, at in (("own.png", ["--db", str(made_db)]), ("its.png", ["--server", address])):
            found = printed(capfdbinary, *asked, str(tmp_path / name), *more, *at)
            assert found[0] == 0
            assert f"wrote {tmp_path / name}\n".encode() in found[1]
            drawn.append((tmp_path / name).read_bytes())
        assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["car", "{photos}/none.jpg"], b"no such picture: "),
        (["car", "{corpus}/scene_001.jpg"], b"no picture "),
        (["car", "{photos}/scene_037.jpg", "--word", "xqzw", "--json"], b"'xqzw' is not in the"),
        (["car", "{photos}/scene_037.jpg", "--prf", "rm3"], b"--prf does not go with --server"),
        (["car", "{photos}/scene_037.jpg", "--fusion", "rrf"], b"--fusion does not go with"),
        (["car", "{photos}/scene_037.jpg", "--heatmap", "/none/x.png"], b"no such folder"),
        (["car", "{photos}/scene_037.jpg", "--db", "x"], b"--server and --db were both given"),
    ],
)
def test_what_no_server_can_explain_is_refused(
    made_db: Path,
    address: str,
    capfdbinary: pytest.CaptureFixture[bytes],
    words: list[str],
    said: bytes,
) -> None:
    places = {"photos": made_db.parent / "photos", "corpus": corpus()}
    filled = [word.format(**places) for word in words]
    code, _, err = printed(capfdbinary, "explain", *filled, "--server", address)
    assert code == 2
    assert said in err
    assert err.count(b"\n") == 1


def test_an_explanation_needs_the_token_too(
    made_db: Path,
    closed: str,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    photo = str(made_db.parent / "photos" / "scene_037.jpg")
    monkeypatch.setenv("LEXSEARCH_SERVER", closed)
    assert printed(capfdbinary, "explain", "car", photo)[0] == ServerRefused.exit_code == 2
    monkeypatch.setenv("LEXSEARCH_TOKEN", SECRET)
    assert printed(capfdbinary, "explain", "car", photo)[0] == 0


def test_copies_are_made_of_what_a_server_found(
    address: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    words = ["search", "car", "--server", address, "--copy-to", str(tmp_path / "copies")]
    assert printed(capfdbinary, *words)[0] == 0
    assert len(list((tmp_path / "copies").iterdir())) == 6


def test_the_environment_names_a_server_and_a_db_overrides_it(
    made_db: Path,
    closed: str,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setenv("LEXSEARCH_SERVER", closed)
    monkeypatch.setenv("LEXSEARCH_TOKEN", SECRET)
    assert printed(capfdbinary, "search", "car", "-f")[0] == 0
    monkeypatch.setenv("LEXSEARCH_SERVER", "http://127.0.0.1:9")
    assert printed(capfdbinary, "search", "car", "-f", "--db", str(made_db))[0] == 0
    assert printed(capfdbinary, "search", "car", "-f")[0] == 5


def test_a_server_and_a_db_together_are_refused(
    made_db: Path, address: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    words = ["search", "car", "--server", address, "--db", str(made_db)]
    code, _, err = printed(capfdbinary, *words)
    assert code == 2
    assert b"--server and --db" in err


LIGHT = """
import json, sys
from lexsearch.cli import main
assert main([*json.loads(sys.argv[2]), "--server", sys.argv[1]]) == 0
print("\\n" + json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("format_", (*FORMATS, "explain", "like"))
def test_a_use_of_a_server_loads_nothing_heavy(made_db: Path, address: str, format_: str) -> None:
    photo = str(made_db.parent / "photos" / "scene_037.jpg")
    asked = {"explain": ["explain", "a red car", photo], "like": ["like", photo]}.get(
        format_, ["search", "a red car", "--format", format_]
    )
    run = subprocess.run(
        [sys.executable, "-c", LIGHT, address, json.dumps(asked)],
        capture_output=True,
        encoding="latin-1",
        check=True,
    )
    loaded = {name.partition(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}
    heavy = {"numpy", "PIL", "onnxruntime", "tokenizers", "sqlalchemy", "sqlite3", "scipy", "rich",
             "fastapi", "pydantic", "httpx", "asyncio", "indexer"}  # fmt: skip
    assert not loaded & heavy


def test_an_error_of_the_query_has_the_exit_code_that_it_has_without_a_server(
    made_db: Path, address: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for words in (
        ["car", "--must", "xqzw"],
        ["--weight", "car=1", "--mode", "dense"],
        ["a car", "--subtract", "a car"],  # the parts cancel each other
    ):
        own = printed(capfdbinary, "search", *words, "--db", str(made_db))
        served = printed(capfdbinary, "search", *words, "--server", address)
        assert served[0] == own[0] == 2
        assert own[2].decode().removeprefix("lexsearch: ").strip() in served[2].decode()


def test_no_server_is_said_with_the_command_that_starts_one() -> None:
    with pytest.raises(ServerMissing, match=r"127\.0\.0\.1:9 .*lexsearch serve") as found:
        Client("127.0.0.1:9").search(Query.text("car"))
    assert found.value.exit_code == 5


@pytest.mark.parametrize(("token", "said"), [("", "is missing"), ("x" * 20, "is not the one")])
def test_a_wrong_token_is_said_with_the_way_to_give_one(closed: str, token: str, said: str) -> None:
    with pytest.raises(ServerRefused, match=f"{said}.*LEXSEARCH_TOKEN"):
        Client(closed, token=token).search(Query.text("car"))
    assert len(Client(closed, token=SECRET).search(Query.text("car"))) == 6


@pytest.mark.parametrize(
    "address", ["", "ftp://x", "http://", "http://x:port", "http://[::1", "http://x:99999"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="no address of a server"):
        Client(address)


def test_a_password_in_an_address_is_not_printed() -> None:
    assert "secret" not in Client("http://me:secret@127.0.0.1:9").address


@pytest.fixture
def stranger() -> Iterator[Callable[[int, bytes], str]]:
    """A server of something else: `stranger(status, body)`."""
    running: list[http.server.HTTPServer] = []

    def start(status: int, body: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>hello</html>"), (404, b"not here"), (404, b"{}"), (200, b"[1]"), (500, b"\xff")],
)
def test_a_server_of_something_else_is_recognised(
    stranger: Callable[[int, bytes], str], status: int, body: bytes
) -> None:
    with pytest.raises(ServerMissing, match="no lexsearch server"):
        Client(stranger(status, body)).search(Query.text("car"))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"schema": 2, "hits": []}'),
        (200, b'{"schema": 1, "hits": [{}]}'),
        (404, b'{"code": "no-route", "detail": "Not found"}'),
    ],
)
def test_another_version_is_said_with_what_to_do(
    stranger: Callable[[int, bytes], str], status: int, body: bytes
) -> None:
    with pytest.raises(ServerTooNew, match="same") as found:
        Client(stranger(status, body)).search(Query.text("car"))
    assert found.value.exit_code == 7


def test_a_busy_server_is_said_to_be(stranger: Callable[[int, bytes], str]) -> None:
    body = b'{"code": "busy", "detail": "32 requests are being worked on already"}'
    with pytest.raises(ServerMissing, match=r"busy.*try again"):
        Client(stranger(503, body)).search(Query.text("car"))


def test_a_picture_that_is_too_large_is_not_sent(tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(20_000_001)
    with pytest.raises(UsageError, match="at most 20,000,000"):
        Client("127.0.0.1:9").like(large)
    with pytest.raises(UsageError, match="no such picture"):
        Client("127.0.0.1:9").like(tmp_path / "none.jpg")
