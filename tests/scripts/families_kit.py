"""What the families have in common: a film by pydicom, the formulas of PS3.3 C.11 written out, and
the comparison of what `precedent-cli probe --json` and `render` say with what must come out.
"""

import copy
import hashlib
import json
import subprocess

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian

pydicom.config.replace_un_with_known_vr = False
RNG = np.random.default_rng(7)
CASES = []


def film(rows=40, columns=32, bits=12, signed=False, frames=1):
    shape = (frames, rows, columns) if frames > 1 else (rows, columns)
    values = RNG.integers(0, 2**bits, shape)
    return values - 2 ** (bits - 1) if signed else values


def dataset(pixels, bits=12, allocated=16, signed=False, **more):
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2"
    ds.SOPInstanceUID = pydicom.uid.generate_uid()
    ds.StudyInstanceUID = "1.2.3.4.5"
    ds.Modality = "MG"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.PatientID = "PHANTOM"
    ds.PatientName = "Phantom^One"
    ds.ImageLaterality = "R"
    ds.ViewPosition = "CC"
    ds.ImagerPixelSpacing = [0.07, 0.07]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    if pixels.ndim == 3:
        ds.NumberOfFrames = pixels.shape[0]
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, bits, bits - 1
    ds.PixelRepresentation = int(signed)
    ds.WindowCenter, ds.WindowWidth = 2 ** (bits - 1), 2**bits
    for key, value in more.items():
        setattr(ds, key, value)
    raw = pixels & (2**bits - 1)
    data = raw.astype(f"<u{allocated // 8}").tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB" if allocated == 8 else "OW"
    return ds


def written(ds, syntax=ExplicitVRLittleEndian):
    ds = copy.deepcopy(ds)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    if syntax == ExplicitVRBigEndian and ds.BitsAllocated == 16:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    if UID(syntax).is_encapsulated:
        ds["PixelData"].VR = "OB"
    buffer = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def case(name, data, pixels=None, shown=None, codes=(), refused=None, not_codes=(), check=None):
    CASES.append((name, data, pixels, shown, codes, refused, not_codes, check))


def linear(x, c, w):
    low, high = c - 0.5 - (w - 1) / 2, c - 0.5 + (w - 1) / 2
    y = ((x - (c - 0.5)) / max(w - 1, 1e-30) + 0.5) * 255
    return np.where(x <= low, 0, np.where(x > high, 255, y))


def sigmoid(x, c, w):
    return 255 / (1 + np.exp(-4 * (x - c) / w))


def exact(x, c, w):
    return np.clip((x - c) / w + 0.5, 0, 1) * 255


def table(x, first, entries, bits):
    idx = np.clip(np.rint(x) - first, 0, len(entries) - 1).astype(int)
    return np.asarray(entries)[idx] / (2**bits - 1) * 255


def lut_item(descriptor, data, vr="US", data_vr="OW", explanation="LUT A"):
    item = Dataset()
    item.add_new(0x00283002, vr, descriptor)
    item.LUTExplanation = explanation
    item.add_new(0x00283006, data_vr, data)
    return item


def words(values):
    return np.asarray(values).astype("<u2").tobytes()


def code(value, meaning, scheme="SCT"):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def j2k(frame, bits=12, signed=False):
    from openjpeg.utils import encode_array
    kind = "i2" if signed else "u2"
    return encode_array(frame.astype(kind), bits_stored=bits, photometric_interpretation=2)


def run(program, folder):
    """Writes and reads every case; returns how many came out wrong."""
    wrong = 0
    for number, (name, data, p, shown, codes, refused, not_codes, check) in enumerate(CASES):
        path = folder / f"{number:03}.dcm"
        path.write_bytes(data)
        run = subprocess.run([program, "probe", "--json", path], capture_output=True, text=True)
        problems = []
        try:
            report = json.loads(run.stdout)[0]
            got = [c["code"] for c in report["cautions"]]
            if refused:
                if report["state"] not in ("refused", "metadata") or not any(w in report["reason"] for w in refused.split("|")):
                    problems.append(f"state {report['state']}, reason {report['reason']}")
            else:
                if report["state"] not in ("shown", "caution"):
                    problems.append(f"{report['state']}: {report['reason']}")
                if p is not None:
                    stored = hashlib.sha256(p.astype("<i4").tobytes()).hexdigest()
                    if report["stored_sha256"] != stored:
                        problems.append("other stored values")
                if shown is not None:
                    problems += displayed(program, path, shown, report)
                problems += [f"{code} is missing among {got}" for code in codes if code not in got]
                problems += [f"{code} is there" for code in not_codes if code in got]
            if check and not problems:
                check(report)
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error} {run.stdout[:200]} {run.stderr[:200]}")
        if problems:
            wrong += 1
            print(f"WRONG {path.name} {name}: {'; '.join(problems)}")
    print(f"{len(CASES)} cases, {wrong} wrong")
    return wrong


def displayed(program, path, shown, report):
    """Each frame drawn by `render`, against the formulas: within 1."""
    from PIL import Image
    frames = shown if shown.ndim == 3 else shown[None]
    problems = []
    for i, frame in enumerate(frames):
        out = path.with_suffix(".png")
        run = subprocess.run([program, "render", path, "--png", out, "--frame", str(i + 1)],
                             capture_output=True, text=True)
        if run.returncode:
            return [f"render: {run.stderr}"]
        got = np.asarray(Image.open(out)).astype(int)
        worst = np.abs(got - frame).max()
        if worst > 1:
            problems.append(f"frame {i + 1} is drawn up to {worst:.1f} off")
    return problems
