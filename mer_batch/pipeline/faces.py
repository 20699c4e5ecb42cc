"""The stage of faces: pictures in, people, their readings and the motion of their mouths out."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mer_batch.errors import MerError
from mer_batch.face.joints import JointError, join
from mer_batch.fusion.speaking import Turn, find_turns
from mer_batch.pieces import Look, Piece, is_long, plan, read_piece, watched, why_whole
from mer_batch.pipeline.asked import Asked
from mer_batch.pipeline.stage import FAILURES, Stage
from mer_batch.types import Frame, Person, Shot

if TYPE_CHECKING:
    from mer_batch.face.glimpses import Glimpse
    from mer_batch.face.identity import Embedder
    from mer_batch.face.log import FaceLog
    from mer_batch.face.mouth import MouthTrack, MouthWatcher
    from mer_batch.face.read import FaceReadings

Pictures = tuple[Generator[Frame, None, None], "MouthWatcher | None"]
"""The frames that faces are looked for in, being decoded, and what measures mouths in them."""


class FaceStage(Stage):
    """`begin` before `run`; `close` in any case."""

    modality = "face"

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self.people: tuple[Person, ...] = ()
        self.shots: tuple[Shot, ...] = ()
        self.mouths: Mapping[str, MouthTrack] = {}
        self.still: tuple[str, ...] = ()
        self.unchanging = False
        self.glimpses: tuple[Glimpse, ...] = ()
        """Small pictures for the report."""
        self._kept: FaceReadings | None = None
        self._begun: Pictures | None = None
        self._loaded: tuple[Embedder | None] | None = None
        self.pieces: tuple[Piece, ...] = plan(asked.media, asked.options, asked.split)
        """The pieces in which the pictures are read, where there are several."""
        if is_long(asked.media, asked.options, asked.split):
            asked.whole = why_whole(asked.media)

    @property
    def cuts(self) -> list[float]:
        """The times at which shots begin but the first."""
        return [shot.start for shot in self.shots[1:]]

    def turns(self, speech: Sequence[tuple[float, float]]) -> tuple[Turn, ...]:
        """Who of the people in view speaks when in `speech`."""
        return find_turns(self.mouths, self.people, speech, self.cuts)

    @property
    def missing(self) -> bool:
        """Whether pictures have to be read, which no earlier run has."""
        return self.wanted and self.asked.media.video is not None and self._find_kept() is None

    def begin(self) -> None:
        """Let ffmpeg work on the first pictures, if any are to be decoded."""
        if self.missing and not self.pieces:
            # An error is met again when faces are read, which then are all that is lost.
            with suppress(MerError, *FAILURES):
                self._begun = self._pictures()

    def close(self) -> None:
        """End ffmpeg."""
        if self._begun is not None:
            self._begun[0].close()

    def read(self) -> None:
        """See `Stage.read`."""
        if not self.wanted:
            return
        if self.asked.media.video is None:
            self.absent("the file has no video")
            return
        self.asked.reader("face")
        if not self.asked.pictures:
            self.asked.keep.forget("pictures")
        readings = self._find_kept()
        if readings is None:
            before = len(self.notices)
            readings = self._read()
            # Apart, so that whoever shows none keeps none; and first, since who finds the readings looks for them.
            if self._look.pictures:
                self.asked.keep.put("pictures", self._facts, readings.glimpses)
            self.asked.keep.put("face", self._facts, (replace(readings, glimpses=()), tuple(self.notices[before:])))
            for piece in self.pieces:
                self.asked.keep.drop("piece", lambda: self._piece_facts(piece))  # noqa: B023 - called at once
        self.take(readings.observations, readings.gaps)
        self.people, self.shots, self.mouths = readings.people, readings.shots, readings.mouths
        self.still, self.unchanging = readings.still, readings.unchanging
        self.glimpses = readings.glimpses
        self.notices += readings.notices

    @property
    def _look(self) -> Look:
        from mer_batch.face.glimpses import LONGEST

        asked = self.asked
        return Look(asked.hears, asked.pictures and asked.end - asked.options.start <= LONGEST)

    def _pictures(self) -> Pictures:
        asked = self.asked
        return watched(asked.media, asked.options, self._look.mouths, asked.span, self.notices.append)

    def _read(self) -> FaceReadings:
        from mer_batch.face.read import watch_faces

        if self.pieces:
            with suppress(JointError):
                return self._joined()
        frames, watcher = self._begun or self._pictures()
        device = self.asked.options.device
        with closing(frames), self.asked.told("face") as share:
            log = watch_faces(
                frames,
                self.asked.reader("face"),
                device=device,
                embedder=self._embedder(),
                watcher=watcher,
                on_progress=share,
                pictures=self._look.pictures,
            )
        return self._numbered(log)

    def _joined(self) -> FaceReadings:
        """The readings from all pieces, those that were read before among them. Raises `JointError`."""
        try:
            log = join(map(self.read_piece, self.pieces))
        except JointError as error:
            self.asked.whole = str(error)
            raise
        return self._numbered(log)

    def _numbered(self, log: FaceLog) -> FaceReadings:
        """The readings of everybody, under their numbers or the names of the gallery."""
        from mer_batch.face.read import numbered

        embedder, options = self._embedder(), self.asked.options
        known = None
        if embedder is not None and options.gallery is not None:
            from mer_batch.people.gallery import read_gallery

            gallery = read_gallery(options.gallery, embedder)
            self.notices += gallery.notices
            known = gallery.faces
        matched = embedder is not None or options.identity != "faces"
        return numbered(log, embedder, known, looks=options.identity != "none", matched=matched)

    def read_piece(self, piece: Piece) -> FaceLog:
        """What was kept of a piece, else what is seen in it now, which is kept."""
        from mer_batch.face.log import FaceLog

        def facts() -> dict[str, Any]:
            return self._piece_facts(piece)

        log = self.asked.keep.find("piece", facts, FaceLog)
        if log is None:
            asked = self.asked
            with asked.told("face") as share:
                log = read_piece(
                    asked.media, asked.options, piece, asked.reader("face"), self._embedder(), self._look, share
                )
            asked.keep.put("piece", facts, log)
        return log

    def _piece_facts(self, piece: Piece) -> dict[str, Any]:
        pictures = {"pictures": True} if self._look.pictures else {}
        return {**self._facts(), **pictures, "piece": (piece.begin, piece.start, piece.end)}

    def _embedder(self) -> Embedder | None:
        from mer_batch.face.embedders import load_embedder

        if self._loaded is None:
            wanted = self.asked.options.identity == "faces"
            self._loaded = (load_embedder(self.asked.options.device) if wanted else None,)
        return self._loaded[0]

    def _facts(self) -> dict[str, Any]:
        """What decides the readings of faces, beside the recording."""
        from mer_batch.face.embedders import weights_sum

        options = self.asked.options
        return {
            "range": self.asked.span,
            "fps": self.asked.options.fps,
            "model": self.asked.model_hash("face"),
            "mouths": self.asked.hears,
            "identity": weights_sum() if options.identity == "faces" else options.identity,
            **self._gallery_facts(),
        }

    def _gallery_facts(self) -> dict[str, Any]:
        if self.asked.options.gallery is None:
            return {}
        from mer_batch.people.gallery import gallery_sum

        return {"gallery": gallery_sum(self.asked.options.gallery)}

    def _find_kept(self) -> FaceReadings | None:
        """What an earlier run found in the same pictures with the same model, with what it had to say of them."""
        if self._kept is None and (found := self.asked.keep.find("face", self._facts, tuple)) is not None:
            kept, notices = found
            pictures = self.asked.keep.find("pictures", self._facts, tuple) if self._look.pictures else ()
            self._kept = replace(kept, glimpses=pictures or ())
            self.notices += notices
        return self._kept
