"""The wheel carries everything: built, installed in a fresh environment, run away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALONE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
"""The environment without a path to the checkout."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; the heavy dependencies are borrowed from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run(build, check=True)
    venv.create(folder / "env", with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "env"), "platbase": str(folder / "env")}))
    (wheel,) = folder.glob("*.whl")
    install = [*pip, "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True)
    # A path file comes after the fresh site-packages, and an editable install's own path file is not followed.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "env" / "bin" / "python"


def mer(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "mer_batch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=ALONE, check=False)


def test_installed_tool_analyses_the_example(python: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [str(python), "-c", "import mer_batch; print(mer_batch.__file__)"],
        capture_output=True, text=True, cwd=tmp_path, env=ALONE, check=True,
    )  # fmt: skip
    assert str(python.parent.parent) in where.stdout
    done = mer(
        python, "analyze", str(ROOT / "examples" / "interview.mp4"), "--out", "r.html", "--end", "3", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.html").stat().st_size > 100_000


def test_installed_tool_has_models_and_recipes(python: Path, tmp_path: Path) -> None:
    done = mer(python, "models", "list", cwd=tmp_path)
    assert {"face", "text", "voice"} <= {line.split()[0] for line in done.stdout.splitlines() if line[:1].strip()}
    done = mer(python, "train", "nothing", cwd=tmp_path)
    assert done.returncode == 2
    for name in ("fer", "reference/fer2013-resnet18-tta", "text", "voice"):
        assert name in done.stderr


def test_wheel_holds_no_stray_files(python: Path) -> None:
    (wheel,) = python.parent.parent.parent.glob("*.whl")
    names = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True, check=True
    )
    tops = {line.split("/")[0] for line in names.stdout.splitlines()[1:]}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mer_batch"}
    assert "_data/models/face/weights.safetensors" in names.stdout
    assert "_data/templates/report.html.j2" in names.stdout
