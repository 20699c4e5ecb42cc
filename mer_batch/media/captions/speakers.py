"""Who says which words of a caption: "<v Anna>", "ANNA:", "[SPEAKER_00]", "- " and ">>"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from mer_batch.media.captions.cues import Cue
from mer_batch.media.captions.markup import plain_text, voices

Part: TypeAlias = tuple[str | None, str]
"""Who, and what they say."""

_NAME: Final = r"[^\W\d_][^\s:：\[\]()<>]{0,30}(?:[ \t][^\s:：\[\]()<>]{1,30}){0,3}"
# How they say it may stand behind the name: "ANNA (whispering): ".
_COLON: Final = re.compile(
    rf"\s*(?:\[({_NAME})\]|\(({_NAME})\)|({_NAME})(?:\s[(\[][^()\[\]]{{1,30}}[)\]])?)\s?(?::(?:\s+|$)|：\s*)"
)
_BRACKET: Final = re.compile(rf"\s*(?:\[({_NAME})\]|\(({_NAME})\))(?:\s+|$)")
_NUMBERED: Final = re.compile(
    r"(?:speaker|spk|person|guest|host|participant|caller|voice|man|woman)[ _#-]{0,2}\d+", re.IGNORECASE
)
_DASH: Final = re.compile(r"[-–—‐−]\s*(?=[^\s\d-])")
_CHANGE: Final = re.compile(r">>+:?\s*")
# Within a line somebody else begins only after the end of a sentence.
_NEXT: Final = re.compile(rf"(?<=[.?!…\"”’')\]])\s+(?=>>|(?:\[{_NAME}\]|{_NAME}):\s)")
_HEADINGS: Final = (
    "and answer attention because breaking but caution chapter danger episode example exit fact fig figure "
    "first fyi hint important item lesson level live message nb news note now ok okay part point problem ps "
    "question re reason remember reminder result rule scene second section slide so step subtitles summary "
    "then third tip title todo topic translation update warning well whereas"
)
_NO_NAMES: Final = frozenset(_HEADINGS.split())
_SOUND: Final = re.compile(
    r"\b(?:music|applau|laugh|sigh|cr[yi]|cheer|silen|inaudib|nois|cough|crosstalk|gasp|groan|scream|shout|whisper|sob|"
    r"chuckl|giggl|sniff|bell|door|phone|ring|song|sing|foreign|blank|beep|unintellig|pause|indistinct|speak|bark|"
    r"thunder|footstep|clap|snort|clear|engine|wind|rain|static|background|all|both|continu|overlapp)",
    re.IGNORECASE,
)
_USUAL: Final = 0.5
"""Share of the cues that must begin with a name in a file that names its speakers."""


class Speakers:
    """The way in which one file names who speaks: "Note:" is a name only where every cue begins with one."""

    def __init__(self, cues: Iterable[Cue]) -> None:
        """Look at all `cues` of the file."""
        begun = [[text for line in cue.lines if (text := _unmarked(plain_text(line)))] for cue in cues]
        begun = [lines for lines in begun if lines]
        colons = [[match for line in lines if (match := _COLON.match(line))] for lines in begun]
        brackets = [match for lines in begun if (match := _BRACKET.match(lines[0])) and lines[0] != match[0]]
        names = [[_of(match) for match in matches if _is_title(_of(match))] for matches in colons]
        self._colons = _is_usual(sum(map(bool, names)), len(begun))
        self._brackets = _is_usual(sum(not _SOUND.search(_of(match)) for match in brackets), len(begun))
        self._seen = {name for found in names for name in found}

    def parts(self, cue: Cue) -> list[Part]:
        """Who says what in `cue`, in order; None is somebody unknown. Parts without words are left out."""
        if cue.person is not None:
            found: list[Part] = [(cue.person, " ".join(map(plain_text, cue.lines)))]
        else:
            found = []
            for who, said in voices("\n".join(cue.lines)):
                lines = [plain for line in said.split("\n") if (plain := plain_text(line))]
                found += [(who, " ".join(lines))] if who else self._unnamed(lines)
        return _joined([(who, text.strip()) for who, text in found if text.strip()])

    def _unnamed(self, lines: Sequence[str]) -> list[Part]:
        dialogue = sum(bool(_DASH.match(line)) for line in lines) > 1
        found: list[tuple[str | None, list[str]]] = []
        whole = " ".join(lines)
        for line in lines:
            for place, piece in enumerate(_pieces(line)):
                changed = _CHANGE.match(piece) or (dialogue and not place and _DASH.match(piece))
                text = piece[changed.end() :] if changed else piece
                who, rest = self._named(text, whole, inside=bool(place) and not changed)
                if changed or who or not found:
                    found.append((who, []))
                found[-1][1].append(rest)
        return [(who, " ".join(texts)) for who, texts in found]

    def _named(self, text: str, whole: str, *, inside: bool) -> Part:
        """The name that a text begins with, and the rest; `whole` is all of the cue."""
        match = _COLON.match(text)
        if match and self._is_speaker(_of(match), whole, inside=inside):
            return _of(match), text[match.end() :]
        match = _BRACKET.match(text)
        if match and (_NUMBERED.fullmatch(_of(match)) or (self._brackets and not _SOUND.search(_of(match)))):
            return _of(match), text[match.end() :]
        return None, text

    def _is_speaker(self, name: str, whole: str, *, inside: bool) -> bool:
        if _NUMBERED.fullmatch(name):
            return True
        if not _is_title(name):
            return False
        # Capitals are a name where the words are not in capitals too.
        shouted = len(name) > 1 and name.isupper() and any(char.islower() for char in whole)
        return shouted or (self._colons and (name in self._seen or not inside))


def _pieces(line: str) -> list[str]:
    """A line cut where somebody else may begin; not behind the point of "Dr. Smith:"."""
    head = _COLON.match(line)
    begin = head.end() if head else 0
    first, *others = _NEXT.split(line[begin:])
    return [line[:begin] + first, *others]


def _of(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group)


def _unmarked(line: str) -> str:
    for mark in (_CHANGE, _DASH):
        match = mark.match(line)
        line = line[match.end() :] if match else line
    return line


def _is_title(name: str) -> bool:
    """Whether a text could name a person: its words begin with capitals, and it is no usual heading."""
    words = name.split()
    heading = words[0].strip(".,").lower() in _NO_NAMES
    return not heading and not words[0][0].islower() and not words[-1][0].islower()


def _is_usual(count: int, cues: int) -> bool:
    return count > 1 and count >= _USUAL * cues


def _joined(parts: Sequence[Part]) -> list[Part]:
    """The parts with neighbours of the same name made one."""
    joined: list[tuple[str | None, list[str]]] = []
    for who, text in parts:
        if who is None or not joined or joined[-1][0] != who:
            joined.append((who, []))
        joined[-1][1].append(text)
    return [(who, " ".join(texts)) for who, texts in joined]
