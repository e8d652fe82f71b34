"""Compares the encoders with a folder of golden fixtures: `python -m tests.golden.check DIR`.

Every fixture is written as its official layout into a temporary folder and loaded by the product's
own loaders; nothing here computes a model.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.golden._fixture import Fixture, Result, Unsupported
from tests.golden._math import filip_math, lexvla_math
from tests.golden._systems import (
    clip_hf,
    clip_openclip,
    dinov2_hf,
    filip_declip,
    limber,
    limber_clip_rn,
    llama_hf,
    siglip_hf,
    tulip,
)

CHECKS = {
    "clip_hf": clip_hf,
    "clip_openclip": clip_openclip,
    "dinov2_hf": dinov2_hf,
    "filip_declip": filip_declip,
    "filip_math": filip_math,
    "lexvla_math": lexvla_math,
    "limber": limber,
    "limber_clip_rn": limber_clip_rn,
    "llama_hf": llama_hf,
    "siglip2_hf": siglip_hf,
    "siglip_hf": siglip_hf,
    "tulip": tulip,
}


def system_of(folder: Path) -> str:
    """The system of a fixture: of its meta.json, else of its folder's name."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    said = str(meta.get("system", "")).split(" ")[0]
    return said if said in CHECKS else folder.name


def check_fixture(folder: Path) -> Result:
    """The largest error of one fixture."""
    system = system_of(folder)
    if system not in CHECKS:
        raise Unsupported(f"no check for a system called {system!r}")
    with tempfile.TemporaryDirectory() as temporary:
        fixture = Fixture(folder, Path(temporary))
        CHECKS[system](fixture)
        return fixture.result()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(argv).folder
    found = sorted(p.parent for p in folder.glob("*/meta.json"))
    if not found:
        print(f"{folder} holds no fixture (FOLDER/meta.json)")
        return 1
    failed = 0
    for one in found:
        try:
            result = check_fixture(one)
        except Unsupported as error:
            failed += 1
            print(f"{one.name:<16} NOT SUPPORTED  {error}")
            continue
        except Exception as error:
            failed += 1
            print(f"{one.name:<16} FAILED         {type(error).__name__}: {error}")
            continue
        failed += not result.passed
        print(f"{one.name:<16} {result}")
        for line in result.failures:
            print(f"{'':<16}   {line}")
    print(f"{len(found) - failed} of {len(found)} fixtures hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
