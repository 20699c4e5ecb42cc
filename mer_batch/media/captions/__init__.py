"""Written words with times, in every form that people have: from bytes to utterances."""
