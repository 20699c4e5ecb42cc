"""The whole path from a media file to a `Timeline`. Stages meet only here.

`run` has the order of things, `asked` what all stages share, `stage` what they have in common; one file a stage
follows (`faces`, `sound`, `words`), and `ending` joins what they found.
"""

from mer_batch.pipeline.asked import LOADING, STAGES
from mer_batch.pipeline.run import analyze, pieces_of, read_piece

__all__ = ["LOADING", "STAGES", "analyze", "pieces_of", "read_piece"]
