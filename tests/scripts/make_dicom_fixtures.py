#!/usr/bin/env python3
"""Writes tests/fixtures/dicom with encoders that are not ours, and what they must decode to.

The tests read the files as committed and need nothing of this. To make them again:
    pip install pydicom numpy pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle imagecodecs
    apt install dcmtk
    cjpeg and djpeg of libjpeg-turbo 3.1 or newer (older ones write no lossless JPEG)
    tests/scripts/make_dicom_fixtures.py --cjpeg CJPEG --djpeg DJPEG

Each line of expected.txt: file, SHA-256 of the first frame's stored values (little-endian 32-bit
integers, row by row), 1 if lossy. A lossy DCT file has its pixels beside it (.ref, 16-bit little
endian), as libjpeg-turbo decodes them; those may differ by one.
"""

import argparse
import hashlib
import subprocess
import tempfile
from pathlib import Path

import imagecodecs
import numpy as np
from openjpeg.utils import encode_array
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

ROWS, COLUMNS = 37, 45
JPEG = "1.2.840.10008.1.2.4."
XL = [JPEG + "110", JPEG + "111", JPEG + "112"]
FOLDER = Path(__file__).parent.parent / "fixtures" / "dicom"
expected = []


def film(bits, signed=False, seed=1):
    """A breast-like slope, noise, and a corner that jumps between both ends of the range."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    top = 2**bits - 1
    pixels = top * (0.2 + 0.5 * x / COLUMNS * np.sin(np.pi * y / ROWS))
    pixels += random.normal(0, top / 50, pixels.shape)
    pixels = np.clip(np.rint(pixels), 0, top).astype(np.int64)
    pixels[:8, :8] = random.choice([0, top], (8, 8))
    pixels[8:16, :8] = random.integers(0, top + 1, (8, 8))
    return pixels - 2 ** (bits - 1) if signed else pixels


def dataset(allocated, stored, signed=False, frames=1):
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2"
    ds.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    ds.Modality = "MG"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.PatientID = "PHANTOM"
    ds.ImageLaterality = "R"
    ds.ViewPosition = "CC"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.ImagerPixelSpacing = [0.07, 0.07]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, stored, stored - 1
    ds.PixelRepresentation = int(signed)
    ds.WindowCenter, ds.WindowWidth = 2 ** (stored - 1), 2**stored
    if frames > 1:
        ds.NumberOfFrames = frames
    return ds


def write(name, ds, syntax, pixels, lossy=False):
    path = FOLDER / f"{name}.dcm"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    # pydicom writes no syntax that it does not know; one of the same length stands in for those.
    is_xl = syntax in XL
    ds.file_meta.TransferSyntaxUID = UID(JPEG + "201" if is_xl else syntax)
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    if is_xl:
        stand_in = (JPEG + "201").encode() + b"\0"
        path.write_bytes(path.read_bytes().replace(stand_in, syntax.encode() + b"\0", 1))
    note(path, pixels, lossy)


def note(path, pixels, lossy=False):
    digest = hashlib.sha256(pixels.astype("<i4").tobytes()).hexdigest()
    expected.append(f"{path.name} {digest} {int(lossy)}")


def raw(pixels, allocated, stored, order="<"):
    words = pixels & (2**stored - 1)
    return words.astype(f"{order}u{allocated // 8}").tobytes()


def even(data):
    return data + b"\0" * (len(data) % 2)


def native():
    for name, allocated, stored, signed, syntax in [
        ("explicit_8", 8, 8, False, ExplicitVRLittleEndian),
        ("explicit_12", 16, 12, False, ExplicitVRLittleEndian),
        ("explicit_12_signed", 16, 12, True, ExplicitVRLittleEndian),
        ("explicit_16_signed", 16, 16, True, ExplicitVRLittleEndian),
        ("implicit_16", 16, 16, False, ImplicitVRLittleEndian),
        ("deflated_14", 16, 14, False, DeflatedExplicitVRLittleEndian),
        ("big_endian_16", 16, 16, False, ExplicitVRBigEndian),
        ("big_endian_12_signed", 16, 12, True, ExplicitVRBigEndian),
    ]:
        pixels = film(stored, signed)
        ds = dataset(allocated, stored, signed)
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        ds.PixelData = even(raw(pixels, allocated, stored, order))
        ds["PixelData"].VR = "OB" if allocated == 8 else "OW"
        write(name, ds, syntax, pixels)


def rle():
    for stored, allocated, signed in [(8, 8, False), (12, 16, True), (16, 16, False)]:
        pixels = film(stored, signed)
        ds = dataset(allocated, stored, signed)
        ds.PixelData = raw(pixels, allocated, stored)
        ds["PixelData"].VR = "OB" if allocated == 8 else "OW"
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.compress(RLELossless, encoding_plugin="pylibjpeg")
        write(f"rle_{stored}{'_signed' if signed else ''}", ds, RLELossless, pixels)


def jpeg_file(cjpeg, pixels, precision, *options):
    with tempfile.TemporaryDirectory() as folder:
        pgm = Path(folder) / "film.pgm"
        top = 2**precision - 1
        head = f"P5\n{COLUMNS} {ROWS}\n{top}\n".encode()
        pgm.write_bytes(head + pixels.astype(">u2" if top > 255 else "u1").tobytes())
        command = [cjpeg, "-grayscale", "-precision", str(precision), *options, str(pgm)]
        return subprocess.run(command, check=True, capture_output=True).stdout


def lossless_jpeg(cjpeg):
    cases = [(12, p, 0, None) for p in range(1, 8)]
    cases += [(8, 1, 0, None), (8, 4, 0, None), (16, 1, 0, None), (16, 4, 0, None)]
    cases += [(16, 6, 0, None), (16, 7, 0, None), (10, 5, 0, None), (14, 7, 0, None)]
    cases += [(16, 1, 0, 1), (12, 7, 0, 7), (8, 2, 0, 3), (16, 6, 0, 5)]
    cases += [(12, 1, 2, None), (12, 5, 3, None), (16, 7, 1, 4)]
    for bits, predictor, shift, restart in cases:
        pixels = film(bits)
        options = ["-lossless", f"{predictor},{shift}"]
        options += ["-restart", str(restart)] if restart else []
        stream = jpeg_file(cjpeg, pixels, bits, *options)
        ds = dataset(8 if bits == 8 else 16, bits)
        ds.PixelData = encapsulate([stream])
        name = f"jpeg_lossless_{bits}_p{predictor}"
        name += f"_shift{shift}" if shift else ""
        name += f"_restart{restart}" if restart else ""
        syntax = JPEG + ("70" if predictor == 1 else "57")
        write(name, ds, syntax, pixels >> shift << shift, lossy=shift > 0)
    pixels = film(12)
    ds = dataset(16, 12)
    ds.PixelData = encapsulate([jpeg_file(cjpeg, pixels, 16, "-lossless", "2,0")])
    write("jpeg_lossless_16_of_12_p2", ds, JPEG + "57", pixels)


def dct(cjpeg, djpeg):
    for precision, options in [
        (8, []),
        (8, ["-quality", "60", "-restart", "2"]),
        (12, []),
        (12, ["-quality", "95", "-restart", "3B"]),
    ]:
        pixels = film(precision)
        stream = jpeg_file(cjpeg, pixels, precision, *options)
        decoded = subprocess.run([djpeg, "-pnm"], input=stream, check=True, capture_output=True)
        width = ">u2" if precision > 8 else "u1"
        size = ROWS * COLUMNS * np.dtype(width).itemsize
        reference = np.frombuffer(decoded.stdout[-size:], width).reshape(ROWS, COLUMNS)
        ds = dataset(8 if precision == 8 else 16, precision)
        ds.PixelData = encapsulate([stream])
        name = f"jpeg_{'baseline' if precision == 8 else 'extended'}_{precision}"
        name += "_restart" if options else ""
        (FOLDER / f"{name}.ref").write_bytes(reference.astype("<u2").tobytes())
        write(name, ds, JPEG + ("50" if precision == 8 else "51"), reference, lossy=True)


def dcmtk():
    """Files of DCMTK's own encoders, from our uncompressed ones."""
    for source, program, options, name in [
        ("explicit_12_signed", "dcmcjpeg", ["+e1"], "dcmtk_lossless_sv1_12_signed"),
        ("explicit_12", "dcmcjpeg", ["+el", "+sv", "6"], "dcmtk_lossless_p6_12"),
        ("implicit_16", "dcmcjpeg", ["+e1"], "dcmtk_lossless_sv1_16"),
        ("explicit_8", "dcmcjpls", ["+el"], "dcmtk_jpeg_ls_8"),
        ("explicit_12_signed", "dcmcjpls", ["+el"], "dcmtk_jpeg_ls_12_signed"),
        ("implicit_16", "dcmcjpls", ["+el"], "dcmtk_jpeg_ls_16"),
    ]:
        target = FOLDER / f"{name}.dcm"
        subprocess.run([program, *options, FOLDER / f"{source}.dcm", target], check=True)
        stored = int(source.split("_")[1])
        note(target, film(stored, "signed" in source))
    target = FOLDER / "dcmtk_jpeg_ls_12_near3.dcm"
    source = FOLDER / "explicit_12.dcm"
    subprocess.run(["dcmcjpls", "+en", "+md", "3", source, target], check=True)
    note(target, pydicom.dcmread(target).pixel_array.astype(np.int64), lossy=True)


def jpeg2000():
    for stored, signed in [(8, False), (12, False), (12, True), (16, False)]:
        pixels = film(stored, signed)
        ds = dataset(8 if stored == 8 else 16, stored, signed)
        kind = ("i" if signed else "u") + ("1" if stored == 8 else "2")
        stream = encode_array(pixels.astype(kind), bits_stored=stored, photometric_interpretation=2)
        ds.PixelData = encapsulate([stream])
        write(f"jpeg2000_{stored}{'_signed' if signed else ''}", ds, JPEG + "90", pixels)
    pixels = film(12)
    stream = encode_array(
        pixels.astype("u2"), bits_stored=12, photometric_interpretation=2, compression_ratios=[6]
    )
    ds = dataset(16, 12)
    ds.PixelData = encapsulate([stream])
    decoded = imagecodecs.jpeg2k_decode(stream).astype(np.int64)
    write("jpeg2000_12_lossy", ds, JPEG + "91", decoded, lossy=True)
    pixels = film(16)
    ds = dataset(16, 16)
    ds.PixelData = encapsulate([imagecodecs.htj2k_encode(pixels.astype("u2"), reversible=True)])
    write("htj2k_16", ds, JPEG + "201", pixels)


def jpeg_xl():
    """By libjxl: bare and in its container, a recompressed JPEG, and one with loss."""
    for stored, allocated, signed in [(8, 8, False), (12, 16, True), (16, 16, False)]:
        pixels = film(stored, signed)
        words = (pixels & (2**stored - 1)).astype(f"u{allocated // 8}")
        stream = imagecodecs.jpegxl_encode(
            words, lossless=True, bitspersample=stored, usecontainer=stored == 16
        )
        ds = dataset(allocated, stored, signed)
        ds.PixelData = encapsulate([stream])
        write(f"jpeg_xl_{stored}{'_signed' if signed else ''}", ds, JPEG + "110", pixels)
    # The same JPEG, and so the same pixels, as beside it.
    jpeg = pydicom.dcmread(FOLDER / "jpeg_baseline_8.dcm")
    stream = next(generate_frames(jpeg.PixelData, number_of_frames=1))
    ds = dataset(8, 8)
    ds.PixelData = encapsulate([imagecodecs.jpegxl_encode_jpeg(stream.rstrip(b"\0"))])
    reference = FOLDER / "jpeg_baseline_8.ref"
    (FOLDER / "jpeg_baseline_8_recompressed.ref").write_bytes(reference.read_bytes())
    pixels = np.frombuffer(reference.read_bytes(), "<u2").reshape(ROWS, COLUMNS)
    write("jpeg_baseline_8_recompressed", ds, JPEG + "111", pixels, lossy=True)
    stream = imagecodecs.jpegxl_encode(film(12).astype("u2"), distance=1.0, bitspersample=12)
    ds = dataset(16, 12)
    ds.PixelData = encapsulate([stream])
    decoded = imagecodecs.jpegxl_decode(stream).astype("<u2")
    (FOLDER / "jpeg_xl_12_lossy.ref").write_bytes(decoded.tobytes())
    write("jpeg_xl_12_lossy", ds, JPEG + "112", decoded, lossy=True)


def fragments():
    pixels = film(12)
    stream = encode_array(pixels.astype("u2"), bits_stored=12, photometric_interpretation=2)
    ds = dataset(16, 12)
    ds.PixelData = encapsulate([stream], fragments_per_frame=5, has_bot=False)
    write("one_frame_in_five_fragments", ds, JPEG + "90", pixels)
    frames = [film(12, seed=seed) for seed in (1, 2, 3)]
    streams = [
        encode_array(f.astype("u2"), bits_stored=12, photometric_interpretation=2)
        for f in frames
    ]
    for has_table in (False, True):
        ds = dataset(16, 12, frames=3)
        ds.PixelData = encapsulate(streams, fragments_per_frame=3, has_bot=has_table)
        name = f"three_frames_in_nine_fragments{'_table' if has_table else ''}"
        write(name, ds, JPEG + "90", frames[0])
    ds = dataset(8, 8, frames=3)
    ds.PixelData = even(b"".join(raw(film(8, seed=s), 8, 8) for s in (1, 2, 3)))
    ds["PixelData"].VR = "OB"
    write("three_frames_native", ds, ExplicitVRLittleEndian, film(8))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cjpeg", required=True)
    parser.add_argument("--djpeg", required=True)
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    native()
    rle()
    lossless_jpeg(arguments.cjpeg)
    dct(arguments.cjpeg, arguments.djpeg)
    dcmtk()
    jpeg2000()
    jpeg_xl()
    fragments()
    (FOLDER / "expected.txt").write_text("\n".join(sorted(expected)) + "\n")


if __name__ == "__main__":
    main()
