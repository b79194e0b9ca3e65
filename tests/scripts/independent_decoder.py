#!/usr/bin/env python3
"""Compares `precedent-cli probe --json` with pydicom and its plugins, over every DICOM of a folder.

    pip install pydicom numpy pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle
    tests/scripts/independent_decoder.py target/release/precedent-cli FOLDER

Compared are the stored values of all frames (SHA-256 of little-endian 32-bit integers, row by row,
frame by frame) and a few attributes. Exit code 1 where anything differs or one side alone reads a file.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pydicom


def read_by_pydicom(path):
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array
    side = dataset.get("ImageLaterality") or dataset.get("Laterality") or None
    return {
        "stored_sha256": hashlib.sha256(pixels.astype("<i4").tobytes()).hexdigest(),
        "rows": dataset.Rows,
        "columns": dataset.Columns,
        "bits_stored": dataset.BitsStored,
        "photometric_interpretation": dataset.PhotometricInterpretation,
        "image_laterality": side,
    }


def read_by_us(program, path):
    run = subprocess.run([program, "probe", "--json", path], capture_output=True, text=True)
    report = json.loads(run.stdout)[0]
    if report["stored_sha256"] is None:
        raise ValueError(report["reason"])
    attributes = report["attributes"]
    ours = {key: attributes[key] for key in attributes if key in
            ("rows", "columns", "bits_stored", "photometric_interpretation", "image_laterality")}
    return ours | {"stored_sha256": report["stored_sha256"]}, report["state"]


def main():
    program, folder = sys.argv[1:]
    differing = 0
    for path in sorted(Path(folder).rglob("*.dcm")):
        try:
            theirs = read_by_pydicom(path)
        except Exception as error:
            theirs = {"error": str(error)}
        try:
            ours, state = read_by_us(program, path)
        except Exception as error:
            ours, state = {"error": str(error)}, "refused"
        if ours == theirs:
            print(f"{path}: {state}, equal ({ours['stored_sha256'][:16]})")
            continue
        differing += 1
        print(f"{path}: {state}, DIFFERS")
        for key in sorted(ours | theirs):
            if ours.get(key) != theirs.get(key):
                print(f"    {key}: ours {ours.get(key)}, pydicom {theirs.get(key)}")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
