"""The networks themselves, in torch: no files, no data, no training."""
