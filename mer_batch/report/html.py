"""The report: one self-contained page from a `Timeline` and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from mer_batch.errors import unknown_name
from mer_batch.files import whole_file
from mer_batch.labels import COLOURS, EMOTIONS, VALENCE_AROUSAL
from mer_batch.people.edits import ENDING, as_table, from_table
from mer_batch.report import confusion, context, coverage, made, people
from mer_batch.report.lanes import Json, page_data
from mer_batch.report.lead import lead
from mer_batch.report.pack import packed
from mer_batch.report.player import convert_command, player_for
from mer_batch.report.redact import redacted
from mer_batch.report.second import with_second
from mer_batch.report.still import still
from mer_batch.resources import data_dir
from mer_batch.timeline.agreement import agreement
from mer_batch.timeline.edited import RECORD
from mer_batch.timeline.summary import summarize
from mer_batch.types import Timeline
from mer_batch.wording import MODALITY_WORDS, NOBODY, printable

if TYPE_CHECKING:
    from jinja2 import Environment, Template

    from mer_batch.timeline.truth import TruthScores

ASSETS: Final = ("inline", "shared")
SCRIPTS: Final = tuple(
    f"{name}.js"
    for name in (
        "core", "theme", "pool", "stats", "draw", "pen", "chart", "overview", "player", "now", "selection", "compare",
        "export", "who", "notes", "lists", "page",
    )
)  # fmt: skip
STYLES: Final = ("report.css", "workbench.css")
ROWS: Final = 300
"""Lines of the transcript and events that stand in the page itself; a script adds the rest as they are looked for."""


def write_report(
    timeline: Timeline,
    out: Path,
    *,
    assets: Literal["inline", "shared"] | str = "inline",
    embed_media: bool = False,
    truth: TruthScores | None = None,
    redact: frozenset[str] = frozenset(),
    title: str | None = None,
    second: Timeline | None = None,
) -> list[Path]:
    """Write the page to `out` and return the files written, the page first.

    `assets="shared"` puts the page's script in one file beside the page instead of inside it; `embed_media`
    puts the recording inside, else it is linked by its relative path; `truth` adds the scores against
    true labels; `redact` leaves out some of `redact.REDACTIONS`; the lanes of `second`, another file or the
    same one read otherwise, stand beside those of the first. Raises `UsageError` for an unknown choice or a
    place that cannot be written, `InputError` for media that cannot be embedded.
    """
    if assets not in ASSETS:
        raise unknown_name("--assets", assets, ASSETS)
    shared = shared_script(out).name if assets == "shared" else ""
    first = redacted(timeline, redact)
    data = page_data(first)
    if second is not None:
        data = with_second(data, first, redacted(second, redact))
    page = _page(first, data, out, shared, embed_media, truth, redact, title)
    written = [out]
    if shared:
        written.append(write_shared(out))
    _write(out, page)
    return written


def shared_script(out: Path) -> Path:
    """The file beside the page `out` that holds what pages share; its name changes with what is in it."""
    return out.with_name(f"mer-page-{hashlib.sha256(_script().encode()).hexdigest()[:12]}.js")


def write_shared(out: Path) -> Path:
    """Write that file where it is not there; returns it."""
    path, data = shared_script(out), _script().encode()
    if not path.is_file() or path.stat().st_size != len(data):
        with whole_file(path) as part:
            part.write_bytes(data)
    return path


def _page(
    timeline: Timeline,
    data: Mapping[str, Any],
    out: Path,
    shared: str,
    embed: bool,
    truth: TruthScores | None,
    redact: frozenset[str],
    title: str | None,
) -> str:
    summaries, pairs = summarize(timeline), agreement(timeline)
    js = "" if shared else _script()
    values = {
        **_header(timeline, title),
        "lead": lead(timeline, summaries, pairs),
        **_timeline_section(timeline),
        "player": player_for(timeline.media, out, embed=embed, hidden=bool(redact)),
        "hidden": bool(redact),
        "convert": convert_command(timeline.media),
        "still": still(data),
        "people": people.context(timeline, summaries),
        "agreement": confusion.context(timeline, pairs, truth),
        "coverage": coverage.context(timeline),
        "made": made.context(timeline),
        "limits": made.card_scores(timeline),
        "css": "\n".join((data_dir("templates") / name).read_text(encoding="utf-8") for name in STYLES),
        "colours": COLOURS,
        "emotions": EMOTIONS,
        "js": js,
        "shared_file": shared,
        "policy": page_policy([js] if js else [], shared=bool(shared)),
    }
    values["data_json"] = script_json(_data(timeline, data, redact, out))
    return printable(template("report.html.j2").render(values))


def _script() -> str:
    """The page's own script: one function, so that it leaves no names behind."""
    folder = data_dir("templates")
    parts = "\n".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return f"(async () => {{\n{parts}\n}})();"


def _header(timeline: Timeline, title: str | None) -> dict[str, object]:
    return {
        "title": title or timeline.media.path.name,
        "version": timeline.provenance.version,
        "meta": context.meta_line(timeline),
        "notices": timeline.notices,
    }


def _timeline_section(timeline: Timeline) -> dict[str, object]:
    return {
        "states": context.empty_states(timeline),
        "events": context.event_rows(timeline)[:ROWS],
        "event_count": len(timeline.events),
        "marks": context.used_marks(timeline),
        "moments": context.moments(timeline),
        "has_boxes": context.has_boxes(timeline),
        "lines": context.transcript_lines(timeline)[:ROWS],
        "line_count": len(timeline.utterances),
        "transcript_note": context.transcript_note(timeline),
    }


def _data(timeline: Timeline, data: Mapping[str, Any], redact: frozenset[str], out: Path) -> dict[str, Json]:
    """What the script reads: labels apart from the rest, which is opened when the page stands."""
    return {
        **data,
        "lanes": [_packed_lane(lane) for lane in data["lanes"]],
        "emotions": [{"name": name, "colour": COLOURS[name], "at": list(VALENCE_AROUSAL[name])} for name in EMOTIONS],
        "nobody": NOBODY,
        "name": timeline.media.path.name,
        # What `mer report` reads beside the page's timeline.
        "people_file": f"{out.stem}{ENDING}",
        "id": timeline.media.sha256[:16],
        # Names of before are in it, so it goes where names are hidden.
        "edits": None if "names" in redact else _edits(timeline),
    }


def _packed_lane(lane: Mapping[str, Any]) -> Json:
    head = {name: lane[name] for name in ("person", "thumbnail", "colour", "beside") if name in lane}
    return {
        **head,
        "labels": packed({"runs": lane["runs"]}),
        "readings": packed({part: lane[part] for part in ("fused", *MODALITY_WORDS)}),
    }


def _edits(timeline: Timeline) -> Json:
    """What is written down of the people so far, as FILE.people.json has it."""
    try:
        return as_table(from_table(timeline.provenance.options.get(RECORD) or {}))
    except (ValueError, TypeError):
        return {}


def script_json(data: Json) -> str:
    """JSON that can stand in a script element: `<`, `>`, `&` and all that is not ASCII are escaped.

    So no text in it can end the element, open a comment (`<!--`) or hold U+2028.
    """
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def template(name: str) -> Template:
    """A page's template; every value is escaped and a missing one is an error."""
    return _environment(data_dir("templates")).get_template(name)


@lru_cache(maxsize=2)
def _environment(folder: Path) -> Environment:
    """Kept, for compiling a template takes half a second and a study has many pages."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_policy(scripts: Sequence[str], shared: bool = False) -> str:
    """A page's content security policy: its own scripts by hash, data it holds, and no network at all.

    `shared` also allows a script that lies beside the page.
    """
    allowed = [*map(_hash, scripts), *(["'self' file:"] if shared else [])]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(allowed)}",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "media-src 'self' file: data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _write(path: Path, text: str) -> None:
    with whole_file(path) as part:
        part.write_bytes(text.encode("utf-8"))
