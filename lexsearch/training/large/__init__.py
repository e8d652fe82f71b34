"""The recipes of the papers on large backbones: LexVLA, TULIP, FILIP."""
