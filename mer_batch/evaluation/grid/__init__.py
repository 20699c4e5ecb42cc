"""`mer evaluate --seeds ...`: a recipe trained and tested over seeds and batch sizes, and what the runs tell."""
