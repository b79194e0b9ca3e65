#!/usr/bin/env python3
"""Makes files of the families that break DICOM programs, by pydicom and its codecs, and compares what
`precedent-cli probe --json` says with what they are.

    pip install pydicom numpy pillow imagecodecs \\
        pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle
    tests/scripts/independent_families.py target/release/precedent-cli [FOLDER]

Each case states what must come out: the stored values (as pydicom has them in memory before they
are written), the 8-bit display by the formulas of PS3.3 C.11 (`families_kit.py`), codes that must
be among the cautions, or words of the refusal. More families are in `more_families.py`. Exit code 1
where anything differs.
"""

import copy
import sys
import tempfile
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

import more_families
from families_kit import (
    RNG, case, code, dataset, exact, film, j2k, linear, lut_item, run, sigmoid, table, words, written,
)


def containers():
    p = film()
    ds = dataset(p)
    for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian,
                   "1.2.840.10008.1.2.1.99"):
        case(f"container {syntax}", written(ds, syntax), p)
    whole = written(ds)
    case("meta group length as OB", whole[:136] + b"OB\0\0" + b"\4\0\0\0" + whole[140:], p)
    meta_end = 144 + int.from_bytes(whole[140:144], "little")
    implicit = written(ds, ImplicitVRLittleEndian)
    case("no meta, implicit", implicit[144 + int.from_bytes(implicit[140:144], "little"):], p,
         codes=["W-NO-HEADER"])
    # The file meta information itself in implicit VR.
    meta = b""
    for element in pydicom.dcmread(pydicom.filebase.DicomBytesIO(whole)).file_meta:
        value = element.value
        if element.tag.element == 0:
            continue
        value = value if isinstance(value, bytes) else str(value).encode()
        value += b"\0" * (len(value) % 2)
        meta += element.tag.group.to_bytes(2, "little") + element.tag.element.to_bytes(2, "little")
        meta += len(value).to_bytes(4, "little") + value
    case("implicit meta", bytes(128) + b"DICM" + meta + whole[meta_end:], p)
    import zlib
    deflated = written(ds, "1.2.840.10008.1.2.1.99")
    d_end = 144 + int.from_bytes(deflated[140:144], "little")
    case("zlib wrapped", deflated[:d_end] + zlib.compress(whole[meta_end:]), p, codes=["W-ENCODING"])
    case("named deflated, is not", deflated[:d_end] + whole[meta_end:], p, codes=["W-ENCODING"])
    # Known attributes with VR UN.
    un = copy.deepcopy(ds)
    for keyword in ("WindowCenter", "WindowWidth", "ImageLaterality", "ViewPosition", "Rows"):
        element = un[keyword]
        value = element.value
        raw = int(value).to_bytes(2, "little") if keyword == "Rows" else str(value).encode()
        un.add_new(element.tag, "UN", raw + b" " * (len(raw) % 2))
    case("known attributes as UN", written(un), p, linear(p, 2048, 4096), not_codes=["W-AUTO-WINDOW"])
    # A VOI LUT whose sequence came as UN, of known and of unknown length.
    entries = [4095 - i for i in range(4096)]
    inner = Dataset()
    inner.VOILUTSequence = Sequence([lut_item([4096, 0, 12], words(entries))])
    holder = pydicom.filebase.DicomBytesIO()
    holder.is_implicit_VR, holder.is_little_endian = True, True
    pydicom.filewriter.write_dataset(holder, inner)
    body = holder.getvalue()[8:]
    lutted = copy.deepcopy(ds)
    lutted.add_new(0x00283010, "UN", body)
    case("VOI LUT as UN", written(lutted), p, table(p, 0, entries, 12))
    undefined = body + bytes.fromhex("feffdde000000000")
    data = written(lutted)
    at = data.index(bytes.fromhex("28001030") + b"UN")
    head = bytes.fromhex("28001030") + b"UN\0\0"
    data = data[:at] + head + b"\xff" * 4 + undefined + data[at + 12 + len(body):]
    case("VOI LUT as UN, undefined length", data, p, table(p, 0, entries, 12))
    private = bytes.fromhex("19000110") + b"UN\0\0" + b"\xff" * 4
    private += bytes.fromhex("feff00e0ffffffff") + bytes.fromhex("19000210") + b"LO\4\0abcd"
    private += bytes.fromhex("feff0de000000000feffdde000000000")
    at = whole.index(bytes.fromhex("20006200"))
    case("UN with explicit items", whole[:at] + private + whole[at:], p)


def pixels():
    for bits, signed in ((10, False), (14, True), (16, True), (12, True)):
        p = film(bits=bits, signed=signed)
        case(f"native {bits} {signed}", written(dataset(p, bits, signed=signed)), p)
    p = film()
    high = dataset(p)
    high.HighBit = 15
    high.PixelData = (p << 4).astype("<u2").tobytes()
    case("high bit 15", written(high), p, codes=["W-HIGH-BIT"])
    # RLE of more rows than the header has.
    ds = dataset(p)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.compress(RLELossless, encoding_plugin="pydicom")
    case("RLE", written(ds, RLELossless), p)
    ds.Rows = 30
    case("RLE, ten rows more", written(ds, RLELossless), refused="match|more pixels")
    ds.Rows = 50
    case("RLE, ten rows less", written(ds, RLELossless), refused="cut|match")
    p8 = film(33, 31, bits=8)
    case("odd 8 bit", written(dataset(p8, 8, 8)), p8)
    ds = dataset(p)
    ds.PixelData = encapsulate([p.astype("<u2").tobytes()])
    case("encapsulated uncompressed", written(ds, "1.2.840.10008.1.2.1.98"), p)
    import zlib
    deflate = zlib.compressobj(wbits=-15)
    frame = deflate.compress(p.astype("<u2").tobytes()) + deflate.flush()
    ds.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
    data = written(ds, "1.2.840.10008.1.2.1.98")  # of the same length as the one that is meant
    case("deflated frames", data.replace(b"1.2.840.10008.1.2.1.98", b"1.2.840.10008.1.2.8.1\0"), p)
    short = dataset(p)
    short.PixelData = short.PixelData[:-100]
    case("too few pixels", written(short), refused="bytes where")
    more = dataset(p)
    del more.PixelRepresentation
    case("no pixel representation", written(more), p, codes=["W-NO-SIGN"])
    rgb = dataset(p8, 8, 8)
    rgb.SamplesPerPixel, rgb.PhotometricInterpretation, rgb.PlanarConfiguration = 3, "RGB", 0
    rgb.PixelData = rgb.PixelData[:-1] * 3 + b"\0"
    case("RGB", written(rgb), refused="colour")
    palette = dataset(p8, 8, 8)
    palette.PhotometricInterpretation = "PALETTE COLOR"
    case("palette", written(palette), refused="PALETTE")


def frames():
    p = film(frames=4)
    case("native frames", written(dataset(p)), p)
    streams = [j2k(f) for f in p]
    for per, table_ in ((1, False), (3, True), (3, False)):
        ds = dataset(p)
        ds.PixelData = encapsulate(streams, fragments_per_frame=per, has_bot=table_)
        case(f"frames in {per} fragments, table {table_}", written(ds, JPEG2000Lossless), p)
    ds = dataset(p)
    ds.PixelData = encapsulate(streams, fragments_per_frame=2, has_bot=True)
    data = written(ds, JPEG2000Lossless)
    at = data.index(bytes.fromhex("e07f1000") + b"OB") + 12 + 8
    wrong = data[:at + 4] + (7).to_bytes(4, "little") + data[at + 8:]
    case("wrong offset table", wrong, p, codes=["W-OFFSET-TABLE"])
    ds = dataset(p)
    body, offsets, lengths = encapsulate_extended(streams)
    ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = body, offsets, lengths
    case("extended offset table", written(ds, JPEG2000Lossless), p)
    one = dataset(p[0])
    one.PixelData = encapsulate(streams)
    case("four streams, one frame stated", written(one, JPEG2000Lossless), p[0],
         codes=["W-MORE-FRAMES"])
    fewer = dataset(p)
    fewer.PixelData = encapsulate(streams[:3])
    case("three streams, four frames stated", written(fewer, JPEG2000Lossless), refused="frames")
    rle = dataset(p)
    rle.file_meta = FileMetaDataset()
    rle.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    rle.compress(RLELossless, encoding_plugin="pydicom")
    case("RLE frames", written(rle, RLELossless), p)
    # A tomosynthesis: windows, slopes and spacing by frame.
    tomo = dataset(p)
    tomo.SOPClassUID = "1.2.840.10008.5.1.4.1.1.13.1.3"
    for keyword in ("WindowCenter", "WindowWidth", "ImagerPixelSpacing", "ImageLaterality"):
        delattr(tomo, keyword)
    shared, groups, shown = Dataset(), [], []
    measures, anatomy = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.085, 0.09], 1
    anatomy.FrameLaterality = "L"
    shared.PixelMeasuresSequence = [measures]
    shared.FrameAnatomySequence = [anatomy]
    for i in range(4):
        group, voi, value = Dataset(), Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = 1000 + 500 * i, 800 + 100 * i
        voi.VOILUTFunction = "SIGMOID" if i == 2 else "LINEAR"
        value.RescaleIntercept, value.RescaleSlope, value.RescaleType = 10 * i, 1 + i / 4, "US"
        group.FrameVOILUTSequence = [voi]
        group.PixelValueTransformationSequence = [value]
        groups.append(group)
        x = p[i] * (1 + i / 4) + 10 * i
        shown.append((sigmoid if i == 2 else linear)(x, voi.WindowCenter, voi.WindowWidth))
    tomo.SharedFunctionalGroupsSequence = [shared]
    tomo.PerFrameFunctionalGroupsSequence = groups

    def check(report):
        got = report["attributes"]
        assert got["image_laterality"] == "L", got
        assert got["number_of_frames"] == 4, got
        assert abs(got["spacing"]["row_spacing_mm"] - 0.085) < 1e-9, got
        assert abs(got["spacing"]["column_spacing_mm"] - 0.09) < 1e-9, got
        assert len(report["frames"]) == 4

    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian):
        case(f"tomosynthesis {syntax}", written(tomo, syntax), p, np.stack(shown), check=check)
    tomo.PerFrameFunctionalGroupsSequence = groups[:3]
    case("tomosynthesis, one group short", written(tomo), p, codes=["W-FRAME-GROUPS"])


def grey():
    p = film()
    s = film(signed=True)
    for name, function, f in (("sigmoid", "SIGMOID", sigmoid), ("exact", "LINEAR_EXACT", exact),
                              ("linear", "LINEAR", linear)):
        for photometric in ("MONOCHROME1", "MONOCHROME2"):
            ds = dataset(s, signed=True, RescaleSlope="0.5", RescaleIntercept="100.25",
                         VOILUTFunction=function, PhotometricInterpretation=photometric)
            ds.WindowCenter, ds.WindowWidth = "130.5", "333.25"
            y = f(s * 0.5 + 100.25, 130.5, 333.25)
            case(f"{name} {photometric}", written(ds), s,
                 255 - y if photometric == "MONOCHROME1" else y)
    ramp = [int(x) for x in (np.arange(4096) ** 2 // 4096)]
    for name, descriptor, vr, first, stored, signed in (
        ("US unsigned", [4096, 0, 12], "US", 0, p, False),
        ("SS signed", [4096, -2048, 12], "SS", -2048, s, True),
        ("US signed", [4096, 63488, 12], "US", -2048, s, True),
        ("signed, lifted by the intercept", [4096, 40000, 12], "US", 40000, s, True),
    ):
        ds = dataset(stored, signed=signed)
        x = stored
        if first == 40000:
            ds.RescaleIntercept, ds.RescaleSlope = "42048", "1"
            x = stored + 42048
        ds.VOILUTSequence = [lut_item(descriptor, words(ramp), vr)]
        for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
            if syntax == ImplicitVRLittleEndian and vr == "US" and signed:
                continue
            case(f"VOI LUT {name} {syntax}", written(ds, syntax), stored,
                 table(x, first, ramp, 12))
    packed = bytes(i // 16 for i in range(4096))
    for vr in ("OW", "OB"):
        ds = dataset(p)
        ds.VOILUTSequence = [lut_item([4096, 0, 8], packed, data_vr=vr)]
        case(f"VOI LUT 8 bit packed {vr}", written(ds), p, table(p, 0, list(packed), 8))
    p16 = film(bits=16)
    ds = dataset(p16, bits=16)
    full = [65535 - i for i in range(65536)]
    ds.VOILUTSequence = [lut_item([0, 0, 16], words(full))]
    case("VOI LUT 0 = 65536", written(ds), p16, table(p16, 0, full, 16))
    ds = dataset(p)
    ds.VOILUTSequence = [lut_item([256, 1000, 12], words(range(0, 4096, 16)))]
    case("VOI LUT short, first 1000", written(ds), p, table(p, 1000, range(0, 4096, 16), 12))
    ds.VOILUTSequence = [lut_item([256, 1000, 12], words(range(4096)))]
    case("VOI LUT longer than stated", written(ds), p, codes=["W-LUT-LENGTH"])
    ds = dataset(p)
    ds.ModalityLUTSequence = [lut_item([4096, 0, 16], words(ramp))]
    case("modality LUT", written(ds), p, linear(np.asarray(ramp)[p], 2048, 4096))
    ds = dataset(p)
    ds.WindowCenter, ds.WindowWidth = [500, 1500, 2500], [100, 200, 300]
    ds.WindowCenterWidthExplanation = ["NORMAL", "HARDER", "SOFTER"]

    def named(report):
        assert report["attributes"]["windows"] == ["NORMAL", "HARDER", "SOFTER"], report

    case("three windows", written(ds), p, linear(p, 500, 100), check=named)
    japanese = copy.deepcopy(ds)
    japanese.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    japanese.WindowCenterWidthExplanation = ["山", "田", "太郎"]

    def decoded(report):
        assert report["attributes"]["windows"] == ["山", "田", "太郎"], report["attributes"]

    case("Japanese explanations", written(japanese), p, linear(p, 500, 100), check=decoded)
    for charset, words_ in (("GB18030", ["王", "乗", "小"]), ("ISO_IR 192", ["王", "é", "한"]),
                            ("ISO_IR 144", ["Люк", "ce", "ж"])):
        other = copy.deepcopy(ds)
        other.SpecificCharacterSet = charset
        other.WindowCenterWidthExplanation = words_
        def same(report, words_=words_):
            assert report["attributes"]["windows"] == words_, report["attributes"]
        case(f"explanations in {charset}", written(other), p, check=same)
    korean = copy.deepcopy(ds)
    korean.SpecificCharacterSet = ["", "ISO 2022 IR 149"]
    korean.WindowCenterWidthExplanation = ["홍", "길동", "a"]
    def hangul(report):
        assert report["attributes"]["windows"] == ["홍", "길동", "a"], report["attributes"]
    case("Korean explanations", written(korean), p, check=hangul)
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        ds = dataset(p, PhotometricInterpretation=photometric)
        ds.add_new(0x00280120, "US", 100)
        ds.add_new(0x00280121, "US", 900)
        y = linear(p, 2048, 4096)
        y = 255 - y if photometric == "MONOCHROME1" else y
        case(f"padding range {photometric}", written(ds), p,
             np.where((p >= 100) & (p <= 900), 0, y))


def half_disc(rows=240, columns=180, left=True):
    """A breast that comes from one edge, and a label in the far corner."""
    y, x = np.mgrid[0:rows, 0:columns]
    x = x if left else columns - 1 - x
    p = np.where(np.hypot((y - rows / 2) / 90, x / 120) < 1, 2500, 40) + RNG.integers(0, 60, (rows, columns))
    p[5:20, :] = np.where((x[5:20, :] > columns - 40) & (x[5:20, :] < columns - 5), 4000, p[5:20, :])
    return p


def sides():
    p = film()
    for word, expected, codes in (("CC", "CC", []), ("MLO", "MLO", []), ("ML", "ML", [])):
        def view(report, expected=expected):
            assert report["attributes"]["view_position"] == expected, report
        case(f"view {word}", written(dataset(p, ViewPosition=word)), p, codes=codes, check=view)
    ds = dataset(p)
    del ds.ViewPosition
    ds.ViewCodeSequence = [code("399368009", "medio-lateral oblique")]
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = [code("399055006", "Spot Compression")]
    def mlo(report):
        assert report["attributes"]["view_position"] == "MLO", report
        assert any("Spot" in c["text"] for c in report["cautions"]), report
    case("view code with modifier", written(ds), p, codes=["W-VIEW-MODIFIER"], check=mlo)
    ds = dataset(p)
    ds.ViewCodeSequence = [code("127457009", "tissue specimen from breast")]
    case("unknown view code", written(ds), p, codes=["W-VIEW-CODE"])
    case("laterality conflict", written(dataset(p, Laterality="L")), p, codes=["W-LATERALITY-CONFLICT"])
    for left, axes, conflict in ((True, ["A", "R"], False), (False, ["P", "L"], False),
                                 (True, ["P", "L"], True), (False, ["A", "R"], True)):
        p2 = half_disc(left=left)
        ds = dataset(p2, PatientOrientation=axes, ImageLaterality="L" if axes[0] == "A" else "R")
        key = "codes" if conflict else "not_codes"
        case(f"orientation {axes} left {left}", written(ds), p2, **{key: ["W-ORIENTATION"]})
        mono1 = dataset(4095 - p2, PatientOrientation=axes, PhotometricInterpretation="MONOCHROME1")
        case(f"orientation {axes} left {left} MONOCHROME1", written(mono1), 4095 - p2,
             **{key: ["W-ORIENTATION"]})
    ds = dataset(p, ViewPosition="MLO", PatientOrientation=["A", "FR"])
    case("R MLO with the axes of a left breast", written(ds), p, codes=["W-LATERALITY-CONFLICT"])
    ds = dataset(p, ViewPosition="MLO", PatientOrientation=["P", "FL"])
    case("R MLO with its axes", written(ds), p, not_codes=["W-LATERALITY-CONFLICT"])
    raw = dataset(p, PresentationIntentType="FOR PROCESSING")
    case("for processing", written(raw), p, codes=["W-FOR-PROCESSING"])
    case("burned in", written(dataset(p, BurnedInAnnotation="YES")), p, codes=["W-BURNED-IN"])
    ds = dataset(p, PixelAspectRatio=[2, 1])
    del ds.ImagerPixelSpacing
    case("aspect ratio", written(ds), p, codes=["W-ASPECT", "W-NO-SPACING"])


def not_images():
    ds = dataset(film())
    del ds.PixelData
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    case("PDF", written(ds), refused="PDF")
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.add_new(0x7E010010, "LO", "VENDOR")
    ds.add_new(0x7E011010, "SQ", [])
    case("vendor container", written(ds), refused="vendor")


def main():
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    for family in (containers, pixels, frames, grey, sides, not_images, *more_families.ALL):
        family()
    sys.exit(run(sys.argv[1], folder) > 0)


if __name__ == "__main__":
    main()
