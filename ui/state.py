"""What all pages share: the open library, the request in the address bar, errors as messages."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import streamlit as st

from lexsearch.cli.terminal import safe
from lexsearch.errors import (
    IndexDamaged,
    IndexMissing,
    IndexTooNew,
    LexsearchError,
    ModelMissing,
    WrongModel,
)
from lexsearch.settings import Settings
from ui.library import Library
from ui.request import Request

MARKDOWN = frozenset("\\`*_{}[]()<>#+-.!|~$:^")
logger = logging.getLogger(__name__)


@st.cache_resource(show_spinner=False, max_entries=4)
def _library(db: str, data_dir: str, cache_dir: str) -> Library:
    return Library(Settings.load(db=db, data_dir=data_dir, cache_dir=cache_dir))


def library() -> Library:
    """The library of this process, opened once for all sessions."""
    settings = Settings.load()
    return _library(settings.db, str(settings.data_dir), str(settings.cache_dir))


def request() -> Request:
    """What the address bar asks for."""
    return Request.from_params(st.query_params.to_dict())


def go(changed: Request) -> None:
    """Put a request into the address bar; other parameters stay."""
    other = {
        name: value
        for name, value in st.query_params.to_dict().items()
        if name not in Request.PARAMS
    }
    st.query_params.from_dict({**changed.to_params(), **other})


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Shows an error that the user can mend as a message; anything else without its details."""
    try:
        yield
    except IndexMissing as error:
        from ui.views import welcome

        if library().exists():
            say("A picture has left the library meanwhile.", str(error), kind="warning")
        else:
            welcome.draw(library())
    except IndexDamaged as error:
        say("The index is damaged.", str(error))
    except IndexTooNew as error:
        say("The index was written by a newer lexsearch.", str(error))
    except WrongModel as error:
        say("This library was made by another model.", str(error))
    except ModelMissing as error:
        say("A model or package is missing.", str(error))
    except LexsearchError as error:
        say("This did not work.", str(error))
    except OSError as error:
        say("The disk did not answer.", str(error))


def say(title: str, text: str, *, kind: str = "error") -> None:
    """A message box; text may quote names and queries, so it is never read as Markdown."""
    box = {"error": st.error, "warning": st.warning, "info": st.info}[kind]
    box(title)
    st.text(safe(text))


def escaped(text: str) -> str:
    """Text for a label that Streamlit reads as Markdown: every sign that could mean something."""
    return "".join(f"\\{c}" if c in MARKDOWN else c for c in safe(text))


def picked(key: str, event: str) -> dict[str, object]:
    """What a component sent with this run, as a dictionary; empty for nothing."""
    state = st.session_state.get(key)
    value = getattr(state, event, None) if state is not None else None
    return dict(value) if isinstance(value, dict) else {}
