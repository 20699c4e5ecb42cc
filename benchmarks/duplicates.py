"""How long `mer data check` takes on a whole set, and how many listed copies it finds.

python benchmarks/duplicates.py FOLDER

FOLDER is FER2013 in the shared layout. The list is near_duplicates.csv beside it, made by comparing all pixels of
all pairs; a score under 300 is the same photograph.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from pathlib import Path

import pandas as pd

import record
from mer_batch.data.manifest import read_manifest

NEAR = 300


def listed_and_found(folder: Path, pairs: pd.DataFrame) -> dict[str, int]:
    """Test pictures with a copy in train: by the list, by the check, by both."""
    rows = read_manifest(folder).rows
    listed = set(pd.read_csv(folder / "near_duplicates.csv").query(f"score < {NEAR}")["test_path"])
    across = pairs[(pairs["first_split"] == "train") & (pairs["second_split"] != "train")]
    train = set(rows.loc[rows["split"] == "train", "pixel_sha256"])
    exact = set(rows.loc[(rows["split"] != "train") & rows["pixel_sha256"].isin(train), "path"])
    found = exact | set(across["second_path"])
    return {"exact": len(exact), "listed": len(listed), "found": len(found), "both": len(listed & found)}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as place:
        report, table = Path(place) / "check.json", Path(place) / "pairs.csv"
        command = record.mer("data", "check", folder, "--json", report, "--csv", table)
        measured = record.measure(command)
        assert measured.code == 1, measured.output
        items = json.loads(report.read_text())["items"]
        copies = listed_and_found(folder, pd.read_csv(table, keep_default_na=False))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(measured.output)
    record.write(
        "duplicates",
        {
            "pictures": items,
            "seconds": round(measured.seconds, 1),
            "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
            "peak_mb": round(measured.peak_mb),
            "test_pictures_with_a_copy_in_train": copies,
        },
    )


if __name__ == "__main__":
    main()
