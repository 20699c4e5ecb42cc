from __future__ import annotations

from pathlib import Path

import pytest

from mer_batch.batch.sources import expand, is_batch, sidecars
from mer_batch.errors import InputError, UsageError


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders of empty files, and what lies between them in real life."""
    for name in (
        "a/one.mp4", "a/one.srt", "a/deep/two.wav", "a/.hidden.mp4", "a/notes.txt", "a/noending", "a/.git/x.mp4",
        "b/one.mp4", "b/ONE.MP4", "b/reports/one.mp4.html", "b/reports/clip.mp4",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_walked_in_order_and_what_is_passed_over_is_counted(tree: Path) -> None:
    found = expand(["a"])
    assert [source.name for source in found.sources] == ["noending", "one.mp4", "deep/two.wav"]
    assert [source.group for source in found.sources] == ["a", "a", "deep"]
    assert not any(source.named for source in found.sources)
    assert found.passed_over == {"hidden": 2, ".txt": 1}


def test_the_folder_of_the_reports_is_never_read(tree: Path) -> None:
    assert next(source.name.casefold() for source in expand(["b"], Path("b/reports")).sources).startswith("one")
    assert not any("clip" in source.name for source in expand(["b"], Path("b/reports")).sources)
    assert any("clip" in source.name for source in expand(["b"]).sources)


def test_names_that_are_one_whatever_their_case_are_told_apart_and_stay_so(tree: Path) -> None:
    names = [source.name for source in expand(["a/one.mp4", "b/one.mp4", "b/ONE.MP4"]).sources]
    assert len({name.casefold() for name in names}) == 3
    assert all("~" in name for name in names)
    again = [source.name for source in expand(["b/ONE.MP4", "b/one.mp4", "a/one.mp4"]).sources]
    assert sorted(names) == sorted(again)


def test_a_file_counts_once_however_often_it_is_named(tree: Path) -> None:
    (tree / "link.mp4").symlink_to(tree / "a/one.mp4")
    found = expand(["a/one.mp4", "a", "./a/one.mp4", "link.mp4"])
    assert [source.uri for source in found.sources].count(str(tree.resolve() / "a/one.mp4")) == 1
    assert found.passed_over["named twice"] == 3


def test_patterns_lists_and_what_is_missing(tree: Path) -> None:
    Path("list.txt").write_text(
        "\N{BYTE ORDER MARK}# a comment\n\na/one.mp4\nno/such.mp4\n**/*.wav\n", encoding="utf-8"
    )
    found = expand(["@list.txt", "*.nothing"])
    assert [source.name for source in found.sources] == ["one.mp4", "a/deep/two.wav"]
    assert dict(found.missing) == {
        "no/such.mp4": "there is no such file or folder",
        "*.nothing": "no file matches this pattern",
    }
    with pytest.raises(UsageError, match=r"cannot read the list none\.txt"):
        expand(["@none.txt"])


def test_a_list_may_lie_with_its_files(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a/list.txt").write_text("one.mp4\n")
    monkeypatch.chdir(tree / "b")
    assert expand(["@../a/list.txt"]).sources[0].uri == str(tree.resolve() / "a/one.mp4")


def test_addresses_are_listed_by_their_file_system(tree: Path) -> None:
    import fsspec

    files = fsspec.filesystem("memory")
    for name in ("/bucket/in/x.mp4", "/bucket/in/deep/y.wav", "/bucket/in/readme.txt"):
        files.pipe(name, b"")
    found = expand(["memory://bucket/in"])
    assert [(source.uri, source.name, source.remote) for source in found.sources] == [
        ("memory:///bucket/in/deep/y.wav", "deep/y.wav", True),
        ("memory:///bucket/in/x.mp4", "x.mp4", True),
    ]
    assert [source.name for source in expand(["memory://bucket/in/*.mp4"]).sources] == ["x.mp4"]
    assert expand(["memory://bucket/none/*.mp4"]).missing
    with pytest.raises(InputError, match=r"cannot open nowhere://x"):
        expand(["nowhere://x"])


def test_the_plain_form_stays_as_it_is(tree: Path) -> None:
    assert not is_batch(["a/one.mp4"])
    assert not is_batch(["no/such.mp4"])
    for several in (["a"], ["a/*.mp4"], ["@list.txt"], ["a/one.mp4", "b/one.mp4"], ["s3://b/in"], ["s3://b/*.mp4"]):
        assert is_batch(several)
    for one in ("https://host/x.mp4", "https://host/a%20b.MP4?key=1/2&x=*", "s3://bucket/in/x.wav"):
        assert not is_batch([one])


def test_a_transcript_beside_a_recording_is_found_by_its_name(tree: Path) -> None:
    assert sidecars(Path("a/one.mp4")) == [Path("a/one.srt")]
    assert sidecars(Path("b/one.mp4")) == []
