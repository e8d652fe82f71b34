"""The files of the bundled model, and the code that finds and verifies them."""
