from pathlib import Path

import pytest

import clips


@pytest.fixture(params=clips.ffmpeg_choices(), ids=lambda program: Path(program).name)
def each_ffmpeg(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Call it once the clips are made: from then on only this ffmpeg is found."""

    def use() -> None:
        (tmp_path / "bin").mkdir()
        clips.use_ffmpeg(request.param, tmp_path / "bin", monkeypatch)

    return use


@pytest.fixture(scope="session")
def clock_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """9.6 s at 25 fps; the grey level is the time."""
    return clips.make(tmp_path_factory.mktemp("clock") / "clock.mp4", *clips.clock(9.6), *clips.X264, "-g", "50")
