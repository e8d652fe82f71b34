"""An encoder process: loads one model on one device, reads pictures, answers vectors."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict
from typing import IO

from indexer import wire
from indexer.devices import LONGEST, built
from indexer.vectors import pack_encoded, unpack_pixels
from lexsearch.errors import LexsearchError


def main(argv: list[str]) -> int:
    """Encode until the indexer closes the pipe. argv: the JSON of `devices._Process`."""
    told = json.loads(argv[0])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the indexer decides
    source, sink = _take_pipes()
    try:
        model = built(told["model"], told["device"], threads=told["threads"])
    except LexsearchError as error:
        wire.send(sink, wire.FAILED, str(error).encode("utf-8", "replace"))
        return 0
    wire.send(sink, wire.HELLO, json.dumps(asdict(model.identity)).encode())
    while True:
        try:
            _, payload = wire.receive(source, LONGEST)
        except wire.WireError:  # the run is over
            return 0
        try:
            answer = pack_encoded(model.encode_pixels(unpack_pixels(payload)))
        except LexsearchError as error:
            wire.send(sink, wire.FAILED, str(error).encode("utf-8", "replace"))
            continue
        wire.send(sink, wire.PICTURE, answer)


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes to the indexer, moved away from where a library would print."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    os.close(nothing)
    return os.fdopen(source, "rb"), os.fdopen(sink, "wb")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
