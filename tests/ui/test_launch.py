"""The command that starts the app."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lexsearch.cli import main
from lexsearch.errors import StorageError, UsageError
from ui import launch


def test_the_server_is_told_to_be_safe() -> None:
    given = launch.arguments(8600)
    for flag in (
        "--server.address=127.0.0.1",
        "--server.enableXsrfProtection=true",
        "--server.enableCORS=true",
        "--server.maxUploadSize=20",
        "--browser.gatherUsageStats=false",
        "--client.showErrorDetails=none",
        "--server.fileWatcherType=none",
        "--server.enableStaticServing=false",
        "--server.allowedHosts=127.0.0.1",
        "--server.port=8600",
    ):
        assert flag in given


def test_every_flag_is_one_that_streamlit_knows() -> None:
    from streamlit import config

    known = {option.key for option in config.get_config_options().values()}
    assert set(launch.SAFE) <= known


def test_no_setting_of_the_environment_weakens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_ENABLE_CORS", "false")
    found = launch.environment("photos")
    assert not [name for name in found if name.startswith("STREAMLIT_")]
    assert found["LEXSEARCH_DB"] == "photos"


def test_the_first_page_is_drawn_before_anybody_comes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made_db: Path
) -> None:
    """In a process of its own: the visit sets the options of the server."""
    code = (
        "import sys; from ui import serve; serve.visit(sys.argv[1:]);"
        "from streamlit import config; from ui.state import library;"
        "from ui.component import component;"
        "print(config.get_option('server.port'), config.get_option('server.address'),"
        " library()._db is not None, component.cache_info().currsize > 0, 'pyarrow' in sys.modules)"
    )
    for db, expected in (
        (str(made_db), "8600 127.0.0.1 True True True"),
        (str(tmp_path / "none"), "8600 127.0.0.1 False False"),
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        found = subprocess.run(
            [sys.executable, "-P", "-c", code, *launch.arguments(8600)[4:]],
            env=launch.environment(db),
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.startswith(expected), found.stdout
        assert found.stderr == ""


def test_a_first_visit_that_fails_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from ui import serve

    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('no')")
    monkeypatch.setattr("streamlit.web.bootstrap.load_config_options", lambda flags: None)
    serve.visit([str(broken)])
    monkeypatch.setattr(serve, "LONGEST_S", 0.05)
    broken.write_text("import time; time.sleep(1)")
    serve.visit([str(broken)])


def test_a_port_that_is_taken_is_refused_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} is taken.*--port"):
            launch.given_port(port)
        monkeypatch.setattr(launch, "FIRST_PORT", port)
        assert launch.free_port() != port


def test_without_streamlit_the_message_has_the_command_that_gets_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["ui"]) == 6
    assert "pip install 'lexsearch[ui]'" in capsys.readouterr().err


def test_a_server_that_ends_at_once_is_an_error() -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as server:
        server.wait()
        with pytest.raises(StorageError, match="exit code 3"):
            launch.wait_until_up(server, "http://127.0.0.1:9/")


def test_a_server_that_a_signal_ended_is_started_again(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A small server in place of Streamlit, which kills itself at its first two starts."""
    code = (
        "import http.server, os, pathlib, sys, threading, time\n"
        f"starts = pathlib.Path({str(tmp_path / 'starts')!r})\n"
        "starts.open('a').write('x')\n"
        "end = os.abort if len(starts.read_text()) < 3 else lambda: os._exit(7)\n"
        "class Up(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers()\n"
        "        threading.Timer(0.1, end).start()\n"
        "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Up).serve_forever()\n"
    )
    monkeypatch.setattr(launch, "arguments", lambda port: [sys.executable, "-c", code, str(port)])
    said: list[str] = []
    assert launch.run(launch.free_port(), None, lambda: said.append("up")) == 7
    assert said == ["up"]
    assert (tmp_path / "starts").read_text() == "xxx"
    assert capfd.readouterr().err.count("the app was ended by SIGABRT") == 2


def test_the_script_of_the_app_is_there() -> None:
    assert launch.APP.is_file()
    assert (Path(launch.APP).parent / "patch_viewer" / "index.js").is_file()


def test_names_and_words_never_reach_the_page_as_markup() -> None:
    for path in Path(launch.APP).parent.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, path
    for path in Path(launch.APP).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for way in ("unsafe_allow_html", "st.html", "components.v1", "st.table(", "caption("):
            assert way not in text, path


def test_labels_escape_what_markdown_would_read() -> None:
    from ui.state import escaped

    value: Any = escaped("*a* [b](c) $x$ :d: `e` <f>")
    assert value == r"\*a\* \[b\]\(c\) \$x\$ \:d\: \`e\` \<f\>"
