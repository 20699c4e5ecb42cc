"""The index of a batch: what it says of each file, and what it says once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mer_batch.batch.ledger import Entry
from mer_batch.batch.table import Groups
from mer_batch.labels import EMOTIONS
from mer_batch.pages.batch import write_index


def person(name: str | None, happy: float, curve: str = "33--") -> dict[str, Any]:
    shares = {emotion: happy if emotion == "happy" else 0.0 for emotion in EMOTIONS} | {"sad": 1 - happy}
    return {"person": name, "steps": 4, "read": 4, "named": 2, "shares": shares, "curve": curve}


def entry(name: str, state: Any = "done", people: list[Any] | None = None, **facts: Any) -> Entry:
    summary = {"duration": 61.0, "people": people or [], "events": 0}
    return Entry(f"/x/{name}", state, {"name": name, "group": "in", "summary": summary, **facts})


def index(folder: Path, *entries: Entry, groups: Groups | None = None, notes: tuple[str, ...] = ()) -> str:
    return write_index(folder, entries, groups or Groups(), notes).read_text(encoding="utf-8")


def test_a_row_a_person_with_what_it_is_sorted_by(tmp_path: Path) -> None:
    text = index(tmp_path, entry("a.mp4", people=[person("Person 1", 0.75), person(None, 0.25)]), entry("b.mp4"))
    assert "2 files of 2 were read." in text
    assert text.count('href="a.mp4.html"') == 2
    assert 'data-length="61.0" data-share="0.75" data-read="1.0"' in text
    assert "happy 75 % of n = 2" in text
    assert "Not assigned" in text
    assert "nobody was read" in text
    assert '<rect x="0.0" width="50.0" height="10"' in text


def test_failures_stand_with_their_reasons_and_what_is_no_media_does_not(tmp_path: Path) -> None:
    text = index(
        tmp_path, entry("bad.mp4", "failed", error="it is damaged"), entry("README", "left out", error="it is text"),
        entry("part.mp4", "partial", [person("Person 1", 0.5)], error="voice was lost to an error"),
    )  # fmt: skip
    assert "1 file of 2 were read, 1 of them in part." in text
    assert "it is damaged" in text
    assert "--retry-failed" in text
    assert "voice was lost to an error" in text
    assert "README" not in text


def test_what_many_files_have_to_say_is_said_once(tmp_path: Path) -> None:
    entries = [entry(f"{number}.mp4", notices=["nobody could hear words", f"odd {number}"]) for number in range(8)]
    text = index(tmp_path, *entries, notes=("passed over: 1 .txt",))
    assert text.count("nobody could hear words") == 1
    assert "8 files: nobody could hear words" in text
    assert "passed over: 1 .txt" in text
    assert all(f"odd {number}" in text for number in range(8))


def test_names_from_outside_are_shown_and_linked_as_they_are(tmp_path: Path) -> None:
    text = index(tmp_path, entry("<script>alert(1)</script>#%\n\udce9.mp4", notices=["<b>bold</b>"]))
    assert "<script>alert" not in text
    assert "<b>bold" not in text
    assert 'href="%3Cscript%3Ealert%281%29%3C/script%3E%23%25%0A%E9.mp4.html"' in text


def test_means_are_over_people_and_have_intervals_from_three_on(tmp_path: Path) -> None:
    people = [person("Person 1", share) for share in (0.2, 0.4, 0.6)]
    text = index(tmp_path, *(entry(f"{n}.mp4", people=[one]) for n, one in enumerate(people)))
    row = text.split('<th scope="row"><bdi>in</bdi></th>')[-1].split("</tr>")[0]
    assert '<td class="n">3</td><td class="n">3</td>' in row
    assert "40 % (0 to 90)" in row  # 0.4 +- 4.303 * 0.2 / sqrt(3)
    table = Groups({"0.mp4": "one", "1.mp4": "two", "2.mp4": "two"})
    text = index(tmp_path, *(entry(f"{n}.mp4", people=[one]) for n, one in enumerate(people)), groups=table)
    assert ">50 %<" in text.split("<bdi>two</bdi></th>")[-1]
    assert "<bdi>in</bdi>" not in text


def test_a_batch_of_nothing_read_says_so(tmp_path: Path) -> None:
    assert "No file has been read yet" in index(tmp_path, entry("bad.mp4", "failed", error="broken"))
