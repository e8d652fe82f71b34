"""Programs that the library may start but never imports, by name."""

from __future__ import annotations

import importlib
from typing import Any

# Name -> "module:attribute".
PROGRAMS = {
    "indexer": "indexer.pipeline:index_folders",
    "index_options": "indexer.pipeline:IndexOptions",
    "adder": "indexer.add:add_pictures",
    "remover": "indexer.add:delete_pictures",
    "decoder": "indexer.decode:decode",
    "picture_decoder": "indexer.memory:decode_picture",
    "content_decoder": "indexer.memory:decode_content",
    "upload_decoder": "indexer.supervise:decode_upload",
}


def program(name: str) -> Any:
    """The callable behind a name of PROGRAMS, imported now."""
    module, _, attribute = PROGRAMS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
