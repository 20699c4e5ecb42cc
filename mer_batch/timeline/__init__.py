"""What a timeline says: events, summaries, scores against the truth, and its file formats."""
