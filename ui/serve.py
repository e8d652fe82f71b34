"""The process of the app's server: visits the first page once, then says that it is up.

python -m ui.serve APP FLAGS... is `streamlit run APP FLAGS...` with a quick first page. The visit
loads every module, opens the library and counts its words while nobody waits for them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from streamlit.testing.v1 import AppTest
from streamlit.web import bootstrap, cli

LONGEST_S = 20.0  # a page that takes longer is left to its first visitor
logger = logging.getLogger(__name__)


def visit(arguments: Sequence[str]) -> None:
    """Draw the first page for nobody; what goes wrong is shown to whoever comes.

    arguments: of `streamlit run`; their settings are in force already.
    """
    with cli.main_run.make_context("run", list(arguments)) as context:
        flags = dict(context.params)
    app = flags.pop("target")
    del flags["args"]
    bootstrap.load_config_options(flags)
    logging.disable(logging.WARNING)  # Streamlit wonders where the browser is
    try:
        AppTest.from_file(app, default_timeout=LONGEST_S).run()
    except Exception as error:  # a quick start is not worth a failed one
        logger.debug("the first visit failed: %s", error)
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    visit(sys.argv[1:])
    cli.main(["run", *sys.argv[1:]], prog_name="streamlit")
