"""CREMA-D (Cao et al. 2014, doi:10.1109/TAFFC.2014.2336244): 1001_DFA_ANG_XX.wav."""

from __future__ import annotations

import io
import re
from pathlib import Path, PurePosixPath

import pandas as pd

from mer_batch.data.files import open_files
from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.named import by_names

PATTERN = r"^(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(XX?|LO|MD|HI)$"
INTENSITIES = {"X": "unspecified", "XX": "unspecified", "LO": "low", "MD": "medium", "HI": "high"}


@importer(
    "cremad",
    title="CREMA-D, 7,442 clips of 91 actors and 12 sentences, six labels, English",
    modality="voice",
    licence="CREMA-D: database ODbL 1.0, contents DbCL 1.0",
    get="get AudioWAV/ and VideoDemographics.csv from the CREMA-D repository on GitHub (files in Git LFS)",
)
def cremad(source: Path) -> Listing:
    """AudioWAV or the whole repository; with VideoDemographics.csv in it, the actor's sex and age too."""
    listing = by_names(source, PATTERN, _columns)
    people = _people(source)
    if people is None:
        return listing
    return Listing(listing.rows.join(people, on="speaker"), listing.place, skipped=listing.skipped)


def _columns(match: re.Match[str]) -> dict[str, str]:
    return {
        "label": match[3].upper(),
        "speaker": f"cremad_{match[1]}",
        "sentence": match[2].upper(),
        "intensity": INTENSITIES[match[4].upper()],
    }


def _people(source: Path) -> pd.DataFrame | None:
    files = open_files(source)
    name = next((name for name in files.names if PurePosixPath(name).name == "VideoDemographics.csv"), None)
    if name is None:
        return None
    table = pd.read_csv(io.BytesIO(files.read(name)), dtype={"ActorID": str})
    table.index = "cremad_" + table["ActorID"]
    return pd.DataFrame({"sex": table["Sex"].str[0].str.lower(), "age": table["Age"]})
