#!/usr/bin/env python3
"""Films with a modality LUT, a window or a VOI LUT drawn at random, displayed by `precedent-cli render`
and by pydicom's own `apply_modality_lut` and `apply_voi_lut`: within one grey value.

    pip install pydicom numpy pillow
    tests/scripts/independent_grey.py target/release/precedent-cli [SEED [COUNT]]
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from families_kit import dataset, lut_item, words, written


def modality(ds, random, signed):
    """Puts none, a rescale or a table into the film; returns slope and intercept."""
    kind = random.choice(["none", "rescale", "table"], p=[0.3, 0.5, 0.2])
    if kind == "rescale":
        slope = float(random.choice([1, 0.5, 2, 0.0125, 1.75]))
        intercept = float(random.choice([0, -1024, 100.5, -0.25, 40000]))
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = str(slope), str(intercept), "US"
        return kind, slope, intercept
    if kind == "table":
        count, first = int(random.choice([256, 1000, 4096])), int(random.integers(0, 200))
        entries = words(random.integers(0, 65536, count))
        item = lut_item([count, first - 100 * signed, 16], entries, "SS" if signed else "US")
        ds.ModalityLUTSequence = [item]
        item.ModalityLUTType = "US"
    return kind, 1.0, 0.0


def shown(ds, random, x, kind, slope, intercept, bits, signed):
    """Puts a window or, without a modality transformation, a LUT into the film; returns 0 to 255."""
    low, high = float(x.min()), float(x.max())
    function = random.choice(["LINEAR", "LINEAR_EXACT", "SIGMOID", "LUT"], p=[0.35, 0.2, 0.2, 0.25])
    if function == "LUT" and kind == "none":
        depth, count = int(random.choice([8, 10, 12, 16])), int(random.choice([100, 256, 4096]))
        first = int(random.integers(0, 50)) + int(low) * signed
        entries = np.sort(random.integers(0, 2**depth, count))
        entries[-1] = 2**depth - 1
        is_packed = depth == 8 and random.random() < 0.5
        data = bytes(entries.astype("u1")) if is_packed else words(entries)
        ds.VOILUTSequence = [lut_item([count, first, depth], data, "SS" if signed else "US")]
        idx = np.clip(np.rint(x) - first, 0, count - 1).astype(int)
        return entries[idx] / (2**depth - 1) * 255
    ds.VOILUTFunction = function if function != "LUT" else "LINEAR"
    ds.WindowCenter = str(round(float(random.uniform(low, high)), 3))
    ds.WindowWidth = str(round(float(random.uniform(1, max(2, high - low))), 3))
    # pydicom gives the range that its input can have.
    ends = np.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] if signed else [0, 2**bits - 1])
    least, most = [0, 65535] if kind == "table" else ends * slope + intercept
    return (np.asarray(apply_voi_lut(x, ds)).astype(float) - least) / (most - least) * 255


def big_endian(ds):
    """pydicom writes the bytes of OW as they are."""
    for tag in (0x00283000, 0x00283010):
        if tag in ds:
            data = ds[tag].value[0][0x00283006]
            whole = data.value + b"\0" * (len(data.value) % 2)
            data.value = np.frombuffer(whole, "<u2").astype(">u2").tobytes()


def main():
    program, *numbers = sys.argv[1:]
    seed, count = [int(number) for number in numbers] + [1, 400][len(numbers):]
    random, folder, wrong = np.random.default_rng(seed), Path(tempfile.mkdtemp()), 0
    film, picture = folder / "film.dcm", folder / "film.png"
    for number in range(count):
        bits, signed = int(random.choice([8, 10, 12, 13, 14, 16])), bool(random.random() < 0.4)
        pixels = random.integers(0, 2**bits, (16, 20)) - signed * 2 ** (bits - 1)
        ds = dataset(pixels, bits, 8 if bits == 8 and random.random() < 0.7 else 16, signed)
        ds.PhotometricInterpretation = f"MONOCHROME{random.choice([1, 2])}"
        del ds.WindowCenter, ds.WindowWidth
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        kind, slope, intercept = modality(ds, random, signed)
        x = np.asarray(apply_modality_lut(pixels.astype("i4"), ds)).astype(float)
        expected = shown(ds, random, x, kind, slope, intercept, bits, signed)
        if ds.PhotometricInterpretation == "MONOCHROME1":
            expected = 255 - expected
        has_table = kind == "table" or "VOILUTSequence" in ds
        syntaxes = [ExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian]
        syntax = syntaxes[number % (2 if has_table else 3)]
        if syntax == ExplicitVRBigEndian:
            big_endian(ds)
        film.write_bytes(written(ds, syntax))
        probe = subprocess.run([program, "probe", "--json", film], capture_output=True)
        subprocess.run([program, "render", film, "--png", picture], capture_output=True)
        stored = hashlib.sha256(pixels.astype("<i4").tobytes()).hexdigest()
        off = np.abs(np.asarray(Image.open(picture)).astype(float) - expected).max()
        if json.loads(probe.stdout)[0]["stored_sha256"] != stored or off > 1.01:
            wrong += 1
            print(f"WRONG {number} of seed {seed}: up to {off:.1f} off\n{ds}")
    print(f"{count} films, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
