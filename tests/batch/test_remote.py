"""Addresses in and out: a store (S3, by a local server) and the web, with all that they can answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import toy_batch
from mer_batch.batch import shelf
from mer_batch.batch.ledger import NAME, Ledger
from mer_batch.batch.shelf import Shelf
from mer_batch.batch.sources import expand
from mer_batch.cli import app
from toy_batch import Here, here

__all__ = ["here"]
ODD = "a b/über #1 [x]+%41.wav"


@pytest.fixture(scope="session")
def store() -> Iterator[str]:
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, once: Callable[..., Path]) -> Any:
    """A bucket of its own with two sounds; the file system with which it is looked at."""
    import fsspec
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": store, "AWS_ENDPOINT_URL_S3": store, "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1", "MER_CACHE": str(tmp_path / "cache"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    fsspec.config.conf.setdefault("s3", {})["client_kwargs"] = {"endpoint_url": store}
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.mkdir(tmp_path.name.replace("_", "-"))
    wav = once("one sound", lambda folder: toy_batch.sounds(folder, "a.wav")) / "a.wav"
    for name in ("a.wav", ODD):
        files.put_file(str(wav), f"{tmp_path.name.replace('_', '-')}/in/{name}")
    yield files, tmp_path.name.replace("_", "-")
    fsspec.config.conf.pop("s3")


def analyze(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["analyze", *arguments, "--asr", "none", "--modalities", "voice"])


def test_from_a_bucket_into_a_bucket_and_nothing_twice(bucket: Any, here: Here) -> None:
    files, name = bucket
    result = analyze(f"s3://{name}/in", "--out", f"s3://{name}/reports")
    assert result.exit_code == 0, result.output
    assert f"Index: s3://{name}/reports/index.html" in result.output
    there = {path.removeprefix(f"{name}/reports/") for path in files.find(f"{name}/reports")}
    assert {"a.wav.html", "a.wav.timeline.json", f"{ODD}.html", "index.html", "overview.csv", NAME} <= there
    assert here.done == ["a b/über #1 [x]+%41.wav", "a.wav"]
    assert analyze(f"s3://{name}/in", "--out", f"s3://{name}/reports/").exit_code == 0
    assert len(here.done) == 2
    files.rm(f"{name}/reports/a.wav.timeline.csv")
    assert analyze(f"s3://{name}/in", "--out", f"s3://{name}/reports").exit_code == 0
    assert here.done[2:] == ["a.wav"]


def test_another_machine_goes_on_where_one_was_killed(
    bucket: Any, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, name = bucket
    monkeypatch.setattr(shelf, "EVERY", 0.0)

    def kill(task: Any) -> None:
        if task.source.name == "a.wav":
            raise SystemExit  # nothing is brought after this

    here.before = kill
    monkeypatch.setattr(Shelf, "bring_ledger", lambda self, now=False: None if now else self.bring([NAME]))
    analyze(f"s3://{name}/in", "--out", f"s3://{name}/reports")
    assert here.done == [ODD]
    here.before = lambda _task: None
    monkeypatch.setenv("MER_CACHE", str(tmp_path / "other machine"))
    result = analyze(f"s3://{name}/in", "--out", f"s3://{name}/reports")
    assert result.exit_code == 0, result.output
    assert here.done == [ODD, "a.wav"]
    assert "2 read, 0 read in part, 0 not read, 1 of them finished before" in result.output
    assert Ledger(Shelf(f"s3://{name}/reports").folder).read().damaged == 0


def test_what_two_runs_told_is_put_together(bucket: Any) -> None:
    files, name = bucket
    for address in (f"s3://{name}/one", f"s3://{name}/two"):
        place = Shelf(address)
        Ledger(place.folder).add("failed", file=address, name=address, error="no")
    one = Shelf(f"s3://{name}/one")
    files.put_file(str(Shelf(f"s3://{name}/two").folder / NAME), f"{name}/one/{NAME}")
    one.open()
    told = Ledger(one.folder).read()
    assert (list(told.entries), told.damaged) == ([f"s3://{name}/one", f"s3://{name}/two"], 0)


@pytest.mark.parametrize("wrong", ["no bucket", "no credentials", "no client"])
def test_a_store_that_cannot_be_written_is_one_line_before_the_work(
    bucket: Any, here: Here, wrong: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files, name = bucket
    out = f"s3://{name}/out"
    if wrong == "no bucket":
        out = "s3://Nobody_Has_This!/out"
    if wrong == "no credentials":
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(key)
        for key in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.setenv(key, str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        type(files).clear_instance_cache()
    if wrong == "no client":
        out = "nothing://bucket/out"
    sound = str(toy_batch.sounds(tmp_path, "a.wav") / "a.wav")
    result = analyze(sound, "--out", out)
    assert result.exit_code == 2, result.output
    assert out in result.output
    assert len([line for line in result.output.splitlines() if line.startswith("mer:")]) == 1
    assert here.done == []


def test_a_store_that_fails_in_the_middle_leaves_what_is_finished(
    bucket: Any, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, name = bucket
    bring, brought = Shelf.bring, []

    def once(self: Shelf, names: Any, keep: bool = True) -> None:
        brought.append(names)
        if len(brought) == 2:
            monkeypatch.setattr(self._files, "put_file", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        bring(self, names, keep)

    monkeypatch.setattr(Shelf, "bring", once)
    monkeypatch.setattr(shelf, "EVERY", 1e9)
    result = analyze(f"s3://{name}/in", "--out", f"s3://{name}/reports")
    assert result.exit_code != 0
    assert "gone; what was finished stays finished" in " ".join(result.output.split())
    monkeypatch.undo()


class Web(BaseHTTPRequestHandler):
    """Serves the one sound in several ways."""

    sound = b""

    def do_GET(self) -> None:
        kind = self.path.split("?")[0].rpartition("/")[2]
        if kind.startswith("moved"):
            self.send_response(302)
            self.send_header("Location", "/plain.wav")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif kind.startswith(("plain", "odd", "torn")):
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.sound) + 1000 * kind.startswith("torn")))
            self.end_headers()
            self._body()
        elif kind.startswith("endless"):  # HTTP/1.0: the end of the file is the end of the connection
            self.send_response(200)
            self.end_headers()
            self._body()
        else:
            self.send_error(500 if kind.startswith("broken") else 404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _body(self) -> None:
        if self.command == "GET":
            self.wfile.write(self.sound)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def web(once: Callable[..., Path]) -> Iterator[str]:
    pytest.importorskip("aiohttp")
    Web.sound = (once("one sound", lambda folder: toy_batch.sounds(folder, "a.wav")) / "a.wav").read_bytes()
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("plain.wav", "plain.wav"),
        ("moved.wav?key=a/b.wav", "moved.wav"),
        ("endless.wav", "endless.wav"),
        ("deep/odd%20name%20%5B1%5D.wav", "odd name [1].wav"),
    ],
)
def test_one_file_of_the_web_is_the_plain_form(
    web: str, address: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = analyze(f"{web}/{address}")
    assert result.exit_code == 0, result.output
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"{name}.html", f"{name}.timeline.json", f"{name}.timeline.csv"}


@pytest.mark.parametrize(
    ("address", "said"), [("none.wav", "no such file"), ("broken.wav", "500"), ("torn.wav", "cannot fetch")]
)
def test_what_the_web_does_not_give_is_one_line(
    web: str, address: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = analyze(f"{web}/{address}")
    assert result.exit_code == 3, result.output
    assert said in result.output
    assert list(tmp_path.iterdir()) == []


def test_files_of_the_web_among_others_fail_alone(web: str, tmp_path: Path, here: Here) -> None:
    outcome = toy_batch.run(tmp_path / "out", f"{web}/plain.wav", f"{web}/none.wav", f"{web}/odd%20name.wav?x=1")
    assert outcome.count("done") == 2
    assert [name for name, _ in outcome.failed] == ["none.wav"]
    assert (tmp_path / "out" / "odd name.wav.html").exists()
    assert [source.name for source in expand([f"{web}/odd%20name.wav?x=1"]).sources] == ["odd name.wav"]
