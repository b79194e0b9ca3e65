#!/usr/bin/env python3
"""Films written by pydicom, written again by GDCM's and DCMTK's tools in every way they offer, and read
by `precedent-cli probe`: the same stored values, or other ones that are said to be lossy.

    apt install libgdcm-tools dcmtk; pip install pydicom numpy pillow
    tests/scripts/independent_tools.py target/release/precedent-cli

What a tool cannot write is left out. Exit code 1 where a file comes out otherwise, or is refused but
for progressive JPEG of more than 8 bits.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from families_kit import RNG, dataset, written

ROWS, COLUMNS = 96, 80
# Bits stored and allocated, signed, frames, MONOCHROME1 or 2.
FILMS = [
    (8, 8, False, 1, 2), (12, 16, False, 1, 2), (12, 16, True, 1, 2), (16, 16, False, 1, 1),
    (16, 16, True, 1, 2), (10, 16, False, 3, 2), (12, 16, False, 4, 1), (8, 8, False, 3, 2),
]
LOSSLESS = [
    *(["gdcmconv", option] for option in
      ("--raw", "--implicit", "--explicit", "--deflated", "--rle", "--jpegls", "--j2k", "--jpeg")),
    ["gdcmconv", "--jpeg", "--split", "200"], ["gdcmconv", "--j2k", "--split", "200"],
    *(["dcmconv", *options.split()] for options in
      ("+ti", "+tb", "+td", "+te -e", "+te +e", "+te +g", "+te +p 512 64", "-F +te")),
    ["dcmcrle"],
    *(["dcmcjpeg", *options.split()] for options in
      ("+el", "+e1", "+el +sv 4", "+e1 +fs 1", "+e1 -ot")),
    *(["dcmcjpls", *options.split()] for options in ("+el", "+el +px", "+el +fs 1", "+el +il")),
]
LOSSY = [
    ["gdcmconv", "--jpegls", "--lossy", "-e", "2"], ["gdcmconv", "--lossy", "--j2k", "-r", "8"],
    ["dcmcjpeg", "+el", "+sv", "7", "+pt", "1"], ["dcmcjpeg", "+eb", "+fo"], ["dcmcjpeg", "+ee"],
    ["dcmcjpeg", "+es"], ["dcmcjpeg", "+ep"], ["dcmcjpls", "+en", "+md", "1"],
]


def film(bits, signed, frames):
    """A slope with noise, so that encoders have something to do."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    slope = (2**bits - 1) * (0.2 + 0.5 * x / COLUMNS * np.sin(np.pi * y / ROWS))
    noisy = slope + RNG.normal(0, 2**bits / 60, (frames, ROWS, COLUMNS))
    pixels = np.clip(np.rint(noisy), 0, 2**bits - 1).astype(int) - signed * 2 ** (bits - 1)
    return pixels[0] if frames == 1 else pixels


def main():
    program, folder = sys.argv[1], Path(tempfile.mkdtemp())
    source, target = folder / "source.dcm", folder / "target.dcm"
    count = wrong = 0
    for bits, allocated, signed, frames, monochrome in FILMS:
        pixels = film(bits, signed, frames)
        photometric = f"MONOCHROME{monochrome}"
        ds = dataset(pixels, bits, allocated, signed, PhotometricInterpretation=photometric)
        source.write_bytes(written(ds))
        stored = hashlib.sha256(pixels.astype("<i4").tobytes()).hexdigest()
        for command in LOSSLESS + LOSSY:
            target.unlink(missing_ok=True)
            made = subprocess.run([*command, source, target], capture_output=True)
            if made.returncode or not target.exists():
                continue
            count += 1
            out = subprocess.run([program, "probe", "--json", target], capture_output=True)
            report = json.loads(out.stdout)[0]
            codes = [caution["code"] for caution in report["cautions"]]
            is_lossy = any(code in codes for code in ("W-LOSSY", "W-LOSSY-STREAM"))
            if command in LOSSLESS:
                right = report["stored_sha256"] == stored and not is_lossy
            else:
                right = report["stored_sha256"] and is_lossy or report["stored_sha256"] == stored
                right = right or bits > 8 and "progressive" in (report["reason"] or "")
            if not right:
                wrong += 1
                print("WRONG", bits, allocated, signed, frames, monochrome, *command,
                      report["state"], report["reason"], codes)
    print(f"{count} files, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
