"""Members of the families that nobody had listed; see `independent_families.py`."""

import copy
import hashlib
import json

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)

from families_kit import (
    case, code, dataset, exact, film, j2k, linear, lut_item, table, words, written,
)


def more_containers():
    p = film()
    ds = dataset(p)
    whole = written(ds)
    meta_end = 144 + int.from_bytes(whole[140:144], "little")
    case("DICM without a preamble", whole[128:], p, codes=["W-NO-HEADER"])
    for name, start in (("TIFF", b"II*\0\x08\0\0\0"), ("PNG", b"\x89PNG\r\n\x1a\n"),
                        ("JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF")):
        case(f"a preamble that is a {name}", start + whole[len(start):], p)
    # Group lengths, retired, in every group; the one of the pixel group is wrong.
    grouped = whole
    for group in ("0800", "1000", "1800", "2000", "2800", "e07f"):
        head = bytes.fromhex(group)
        at = meta_end
        while grouped[at:at + 2] != head:
            vr = grouped[at + 4:at + 6]
            if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
                at += 12 + int.from_bytes(grouped[at + 8:at + 12], "little")
            else:
                at += 8 + int.from_bytes(grouped[at + 6:at + 8], "little")
        length = head + bytes.fromhex("0000") + b"UL\4\0" + (12345).to_bytes(4, "little")
        grouped = grouped[:at] + length + grouped[at:]
    case("group lengths, all wrong", grouped, p)
    # Sequences of undefined length in one another, and a private group between.
    inner = ds
    for depth in range(12):
        outer = Dataset()
        outer.add_new(0x00081140, "SQ", [copy.deepcopy(inner) if depth else Dataset()])
        outer[0x00081140].is_undefined_length = True
        for item in outer[0x00081140].value:
            item.is_undefined_length_sequence_item = True
            item.pop("PixelData", None)
        inner = outer
    nested = copy.deepcopy(ds)
    nested.add_new(0x00081140, "SQ", inner[0x00081140].value)
    nested[0x00081140].is_undefined_length = True
    block = nested.private_block(0x0019, "PHANTOM MAKER", create=True)
    block.add_new(1, "UN", b"\xfe\xff\x00\xe0\xff\xff\xff\xff")
    block.add_new(2, "SQ", [Dataset()])
    block.add_new(3, "OB", b"\x00" * 7 + b"\x01")
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian):
        case(f"nested and private {syntax}", written(nested, syntax), p)
    padded = copy.deepcopy(ds)
    padded.add_new(0xFFFCFFFC, "OB", b"\0" * 126)
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        case(f"data set trailing padding {syntax}", written(padded, syntax), p)
    deflated = written(ds, "1.2.840.10008.1.2.1.99")
    case("deflated, one pad byte", deflated + b"\0", p)
    case("deflated, much behind it", deflated + bytes(4000), p)
    signed = copy.deepcopy(ds)
    signed.DigitalSignaturesSequence = [Dataset()]
    case("signature behind the pixels", written(signed), p)
    spaced = copy.deepcopy(ds)
    spaced.PhotometricInterpretation = "MONOCHROME2 "
    spaced.ImageLaterality = "R "
    case("padded code strings", written(spaced), p)
    nulls = whole.replace(b"MONOCHROME2 ", b"MONOCHROME2\0")
    case("code string padded by NUL", nulls, p)
    # Attributes in the wrong order: the last before the first.
    order = bytes.fromhex("20006200") + b"CS\2\0R "
    at = whole.index(order)
    swapped = whole[:meta_end] + order + whole[meta_end:at] + whole[at + len(order):]
    case("an attribute out of order", swapped, p)
    case("a lone byte behind the file", whole + b"\n", p)
    case("group 0002 without preamble and mark", whole[132:], p, codes=["W-NO-HEADER"])
    # A small picture inside the film's attributes, as archives leave it.
    icon = Dataset()
    icon.SamplesPerPixel, icon.PhotometricInterpretation = 1, "MONOCHROME1"
    icon.Rows = icon.Columns = 4
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.PixelData = bytes(range(16))
    icon["PixelData"].VR = "OB"
    with_icon = copy.deepcopy(ds)
    with_icon.IconImageSequence = [icon]
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian):
        case(f"icon {syntax}", written(with_icon, syntax), p, linear(p, 2048, 4096))
    at = whole.index(bytes.fromhex("e07f1000") + b"OW")
    case("pixel data as UN", whole[:at + 4] + b"UN" + whole[at + 6:], p)
    overlay = copy.deepcopy(ds)
    overlay.add_new(0x60000010, "US", 40)
    overlay.add_new(0x60000011, "US", 32)
    overlay.add_new(0x60000040, "CS", "G")
    overlay.add_new(0x60000050, "SS", [1, 1])
    overlay.add_new(0x60000100, "US", 1)
    overlay.add_new(0x60000102, "US", 0)
    overlay.add_new(0x60003000, "OW", bytes(160))
    case("overlay", written(overlay), p, codes=["W-OVERLAY"])


def more_pixels():
    p8 = film(33, 31, bits=8)
    s8 = film(bits=8, signed=True)
    case("signed 8 bit", written(dataset(s8, 8, 8, signed=True)), s8)
    for syntax in (ExplicitVRLittleEndian, ExplicitVRBigEndian):
        as_words = dataset(film(32, 30, bits=8), 8, 8)
        values = np.frombuffer(as_words.PixelData, "u1").reshape(32, 30)
        as_words["PixelData"].VR = "OW"
        if syntax == ExplicitVRBigEndian:
            pairs = np.frombuffer(as_words.PixelData, "<u2").astype(">u2").tobytes()
            as_words.PixelData = pairs
        case(f"8 bit as OW {syntax}", written(as_words, syntax), values.astype(int))
    case("8 bit as OB, big endian", written(dataset(p8, 8, 8), ExplicitVRBigEndian), p8)
    p = film()
    wide = dataset(p)
    wide.BitsAllocated, wide.BitsStored, wide.HighBit = 32, 32, 31
    wide.PixelData = p.astype("<u4").tobytes()
    case("32 bits allocated", written(wide), refused="BitsAllocated")
    bits = dataset(p)
    bits.BitsAllocated = bits.BitsStored = 1
    bits.HighBit = 0
    bits.PixelData = np.packbits((p > 2000).astype("u1"), bitorder="little").tobytes()
    case("1 bit", written(bits), refused="BitsAllocated")
    floats = dataset(p)
    del floats.PixelData
    floats.FloatPixelData = p.astype("<f4").tobytes()
    case("floating pixels", written(floats), refused="no PixelData")
    p8 = film(bits=8)
    case("8 stored in 16", written(dataset(p8, 8, 16)), p8)
    middle = dataset(p)
    middle.HighBit = 13
    middle.PixelData = (p << 2).astype("<u2").tobytes()
    case("high bit 13", written(middle), p, codes=["W-HIGH-BIT"])
    foreign = dataset(p)
    foreign.PixelData = (p | 0xA000).astype("<u2").tobytes()
    case("overlay bits above the value", written(foreign), p, codes=["W-UNUSED-BITS"])
    colour = dataset(p8, 8, 8)
    colour.SamplesPerPixel = 3
    for photometric, planar in (("RGB", 1), ("YBR_FULL", 0), ("YBR_FULL", 1), ("YBR_FULL_422", 0)):
        colour.PhotometricInterpretation, colour.PlanarConfiguration = photometric, planar
        colour.PixelData = bytes(33 * 31 * 3 + 1)
        case(f"{photometric} planar {planar}", written(colour), refused="colour")
    two = dataset(p)
    two.SamplesPerPixel = 2
    case("two samples", written(two), refused="SamplesPerPixel")
    absent = dataset(p)
    del absent.HighBit, absent.SamplesPerPixel
    case("no HighBit, no SamplesPerPixel", written(absent), p)
    none = dataset(p)
    del none.PhotometricInterpretation
    case("no photometric interpretation", written(none), refused="PhotometricInterpretation")
    empty = dataset(p)
    empty.PixelData = b""
    case("pixel data of length 0", written(empty), refused="bytes")


def streams():
    """Code streams by imagecodecs (OpenJPEG, OpenJPH, CharLS, libjxl, libjpeg-turbo)."""
    import imagecodecs as ic
    family = "1.2.840.10008.1.2.4."

    def encapsulated(pixels, stream, syntax, bits, **more):
        ds = dataset(pixels, bits, 8 if bits == 8 else 16, **more)
        ds.PixelData = encapsulate(stream if isinstance(stream, list) else [stream])
        return named(ds, family + syntax)

    p = film()
    u = p.astype("u2")
    for container in ("jp2", "j2k"):
        stream = ic.jpeg2k_encode(u, level=0, codecformat=container, bitspersample=12)
        case(f"JPEG 2000 as {container}", encapsulated(p, stream, "90", 12), p)
    p16 = film(bits=16)
    for syntax in ("201", "202", "203"):
        stream = ic.htj2k_encode(p16.astype("u2"), reversible=True)
        case(f"HTJ2K {syntax}", encapsulated(p16, stream, syntax, 16), p16)
    lossy = ic.htj2k_encode(p16.astype("u2"), reversible=False)
    # Two decoders of a stream with loss may differ by a step; on the screen that is nothing.
    again = linear(ic.htj2k_decode(lossy).astype(int), 2**15, 2**16)
    case("HTJ2K with loss", encapsulated(p16, lossy, "203", 16), None, again, codes=["W-LOSSY"])
    case("HTJ2K with loss, lossless stated", encapsulated(p16, lossy, "201", 16), None, again,
         codes=["W-LOSSY-STREAM"])
    case("JPEG-LS", encapsulated(p, ic.jpegls_encode(u), "80", 12), p)
    near = ic.jpegls_encode(u, level=2)
    case("JPEG-LS near", encapsulated(p, near, "81", 12), ic.jpegls_decode(near).astype(int),
         codes=["W-LOSSY"])
    for bits in (8, 10, 12, 16):
        q = film(bits=bits)
        stream = ic.jpegxl_encode(q.astype("u1" if bits == 8 else "u2"), lossless=True,
                                  bitspersample=bits)
        case(f"JPEG XL {bits}", encapsulated(q, stream, "110", bits), q, not_codes=["W-LOSSY"])
        case(f"JPEG XL {bits}, any", encapsulated(q, stream, "112", bits), q,
             codes=["W-LOSSY-UNKNOWN"])
        half = encapsulated(q, stream[:len(stream) // 2], "110", bits)
        case(f"JPEG XL {bits}, half", half, refused="cut|damaged")
    three = film(frames=3)
    stack = [ic.jpegxl_encode(f.astype("u2"), lossless=True, bitspersample=12) for f in three]
    case("JPEG XL frames", encapsulated(three, stack, "110", 12), three)
    small = ic.jpegxl_encode(u[:20], lossless=True, bitspersample=12)
    case("JPEG XL of another size", encapsulated(p, small, "110", 12), refused="match")
    wide = ic.jpegxl_encode(p16.astype("u2"), lossless=True)
    p8 = film(bits=8)
    case("JPEG XL deeper than stated", encapsulated(p8, wide, "110", 8), refused="match")
    loss = ic.jpegxl_encode(u, distance=1.0, bitspersample=12)
    again = linear(ic.jpegxl_decode(loss).astype(int), 2048, 4096)
    for syntax, code in (("112", "W-LOSSY"), ("110", "W-LOSSY-STREAM")):
        case(f"JPEG XL with loss, {syntax}", encapsulated(p, loss, syntax, 12), None, again,
             codes=[code])
    rgb = ic.jpegxl_encode(np.stack([u, u // 2, u // 3], 2).astype("u2"), lossless=True)
    case("JPEG XL in colour", encapsulated(p, rgb, "110", 12), refused="colour")
    signed = film(signed=True)
    stream = ic.jpegxl_encode((signed & 4095).astype("u2"), lossless=True, bitspersample=12)
    case("JPEG XL signed", encapsulated(signed, stream, "110", 12, signed=True), signed)
    lossless = ic.ljpeg_encode(u, bitspersample=12)
    case("lossless JPEG", encapsulated(p, lossless, "70", 12), p)
    case("lossless JPEG, zeros behind", encapsulated(p, lossless + bytes(6), "70", 12), p)
    case("lossless JPEG in uneven fragments", encapsulated(
        p, [lossless[:100], lossless[100:102], lossless[102:]], "70", 12), p)
    three = film(frames=3)
    whole = [ic.jpeg2k_encode(f.astype("u2"), level=0, codecformat="j2k", bitspersample=12)
             for f in three]
    seven = [whole[0][:64], whole[0][64:], whole[1][:200], whole[1][200:300], whole[1][300:],
             whole[2][:400], whole[2][400:]]
    case("three frames in seven fragments", encapsulated(three, seven, "90", 12), three)
    # Twelve bits, progressive (retired processes 10 and 12): refused by name.
    extended = ic.jpeg8_encode(u, level=95, bitspersample=12)
    progressive = extended.replace(b"\xff\xc1", b"\xff\xc2", 1)
    case("progressive JPEG of 12 bits", encapsulated(p, progressive, "55", 12), refused="band of a scan")
    again = linear(ic.jpeg8_decode(extended).astype(int), 2048, 4096)
    case("extended JPEG of 12 bits", encapsulated(p, extended, "51", 12), None, again,
         codes=["W-LOSSY"])
    elsewhere = dataset(p)
    del elsewhere.PixelData
    elsewhere.add_new(0x00287FE0, "UR", "http://localhost/film")
    data = written(elsewhere)
    at = data.index(b"1.2.840.10008.1.2.1\0")
    data = data[:at - 2] + b"\x16\0" + b"1.2.840.10008.1.2.4.94" + data[at + 20:]
    case("JPIP", data, refused="JPIP")
    for syntax, words_ in (("100", "MPEG-2"), ("102", "H.264"), ("107", "HEVC")):
        data = encapsulated(p, b"\0\0\1\xb3" + bytes(400), syntax, 12)
        case(f"video {syntax}", data, refused=words_)


def named(ds, syntax):
    """Written under a transfer syntax that pydicom need not know."""
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    stand_in = "1.2.840.10008.1.2.4." + ("90" if len(syntax) == 22 else "201")
    data = written(ds, stand_in)
    pad = b"\0" * (len(syntax) % 2)
    return data.replace(stand_in.encode() + pad, syntax.encode() + pad, 1)


def more_frames():
    p = film(frames=5)
    whole = written(dataset(p))
    one = 40 * 32 * 2

    def lost(*numbers):
        def check(report):
            assert report["state"] == "caution", report["state"]
            there = [f["stored_sha256"] for f in report["frames"]]
            for number in range(1, 6):
                digest = hashlib.sha256(p[number - 1].astype("<i4").tobytes()).hexdigest()
                assert there[number - 1] == (None if number in numbers else digest), number
        return check

    case("cut inside the fourth frame", whole[:-one - 100], codes=["W-FRAMES-MISSING"],
         check=lost(4, 5))
    case("cut between two frames", whole[:-one], codes=["W-FRAMES-MISSING"], check=lost(5))
    case("cut inside the first frame", whole[:-4 * one - 6], refused="cut")
    stack = [j2k(f) for f in p]
    for table_ in (True, False):
        ds = dataset(p)
        ds.PixelData = encapsulate(stack, fragments_per_frame=2, has_bot=table_)
        data = written(ds, JPEG2000Lossless)
        case(f"cut in the last stream, table {table_}", data[:-300], codes=["W-FRAMES-MISSING"],
             check=lost(5))
        ds.PixelData = encapsulate(stack, has_bot=table_)
        data = written(ds, JPEG2000Lossless)
        at = data.index(stack[2]) + 120
        # The code stream of one frame alone is damaged.
        broken = data[:at] + bytes(len(stack[2]) - 120) + data[at + len(stack[2]) - 120:]
        case(f"the third stream is noise, table {table_}", broken, check=lost(3))
    for text, count in (("5 ", 5), (" 5", 5), ("05", 5)):
        ds = dataset(p)
        data = written(ds).replace(b"IS\2\0" + b"5 ", b"IS\2\0" + text.encode()[:2])
        case(f"NumberOfFrames {text!r}", data, p if count == 5 else p[0])
    for text in ("0 ", "-1", "x ", "5."):
        data = whole.replace(b"IS\2\0" + b"5 ", b"IS\2\0" + text.encode())
        case(f"NumberOfFrames {text!r}", data, refused="NumberOfFrames")
    # Side, orientation and view by frame, as the enhanced objects have them.
    tomo = dataset(p[:2])
    tomo.SOPClassUID = "1.2.840.10008.5.1.4.1.1.13.1.3"
    del tomo.ImageLaterality
    tomo.ViewPosition = ""
    shared, anatomy, orientation = Dataset(), Dataset(), Dataset()
    anatomy.FrameLaterality = "L"
    anatomy.AnatomicRegionSequence = [code("76752008", "Breast")]
    orientation.PatientOrientation = ["P", "R"]
    shared.FrameAnatomySequence = [anatomy]
    shared.add_new(0x00209450, "SQ", [orientation])
    tomo.SharedFunctionalGroupsSequence = [shared]
    tomo.ViewCodeSequence = [code("399162004", "cranio-caudal")]

    def in_groups(report):
        got = report["attributes"]
        assert (got["image_laterality"], got["view_position"]) == ("L", "CC"), got
        assert got["patient_orientation"] == ["P", "R"], got
        assert got["pose"] == {"is_mirrored": True, "is_upside_down": False}, got

    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        case(f"side and orientation shared {syntax}", written(tomo, syntax), p[:2], check=in_groups)


def more_grey():
    p, s = film(), film(signed=True)
    for name, more, shown, codes in (
        ("SIGMOID of width 0", dict(VOILUTFunction="SIGMOID", WindowWidth="0"), None,
         ["W-WINDOW-INVALID", "W-AUTO-WINDOW"]),
        ("a negative width", dict(WindowWidth="-100"), None, ["W-WINDOW-INVALID"]),
        ("three centres, two widths", dict(WindowCenter=[500, 900, 1500], WindowWidth=[100, 300]),
         linear(p, 500, 100), ["W-WINDOW-INVALID"]),
        ("an unknown function", dict(VOILUTFunction="GAMMA"), linear(p, 2048, 4096),
         ["W-VOI-FUNCTION"]),
        ("exponents", dict(WindowCenter="2.048e3", WindowWidth="+4096"), linear(p, 2048, 4096), []),
        ("a width of 1", dict(WindowCenter="2000", WindowWidth="1"), linear(p, 2000, 1), []),
        ("a tiny slope and width", dict(RescaleSlope="0.000244", WindowCenter="0.5",
         WindowWidth="0.913"), exact(p * 0.000244, 0.5, 0.913), []),
        ("a slope of 0", dict(RescaleSlope="0", RescaleIntercept="0"), linear(p, 2048, 4096),
         ["W-MODALITY"]),
        ("an intercept alone", dict(RescaleIntercept="-1024"), linear(p - 1024, 2048, 4096), []),
        ("a negative slope", dict(RescaleSlope="-1", RescaleIntercept="4095"),
         linear(4095 - p, 2048, 4096), []),
        ("a negative slope, MONOCHROME1", dict(RescaleSlope="-1", RescaleIntercept="4095",
         PhotometricInterpretation="MONOCHROME1"), 255 - linear(4095 - p, 2048, 4096), []),
        ("INVERSE of MONOCHROME1", dict(PhotometricInterpretation="MONOCHROME1",
         PresentationLUTShape="INVERSE"), 255 - linear(p, 2048, 4096), []),
        ("INVERSE of MONOCHROME2", dict(PresentationLUTShape="INVERSE"), linear(p, 2048, 4096),
         ["W-POLARITY"]),
        ("IDENTITY of MONOCHROME1", dict(PhotometricInterpretation="MONOCHROME1",
         PresentationLUTShape="IDENTITY"), 255 - linear(p, 2048, 4096), ["W-POLARITY"]),
    ):
        case(name, written(dataset(p, **more)), p, shown, codes=codes,
             not_codes=[] if codes else ["W-WINDOW-INVALID", "W-POLARITY", "W-MODALITY"])
    fewer = dataset(p, WindowCenter=[500, 900], WindowWidth=[100, 300],
                    WindowCenterWidthExplanation="ONLY")

    def named_windows(report):
        assert report["attributes"]["windows"] == ["ONLY", "Window 2"], report["attributes"]

    case("fewer explanations than windows", written(fewer), p, linear(p, 500, 100),
         check=named_windows)
    no_window = dataset(p, WindowCenter=None, WindowWidth=None)
    case("an empty window", written(no_window), p, codes=["W-AUTO-WINDOW"],
         not_codes=["W-WINDOW-INVALID"])
    # Padding whose limit lies below it, and of signed pixels.
    for value, limit, low, high in ((900, 100, 100, 900), (4095, 4000, 4000, 4095)):
        ds = dataset(p)
        ds.add_new(0x00280120, "US", value)
        ds.add_new(0x00280121, "US", limit)
        case(f"padding {value} down to {limit}", written(ds), p,
             np.where((p >= low) & (p <= high), 0, linear(p, 2048, 4096)))
    for vr, value in (("SS", -2000), ("US", 65536 - 2000), ("US", 4096 - 2000)):
        ds = dataset(s, signed=True, WindowCenter=0)
        ds.add_new(0x00280120, vr, value)
        ds.add_new(0x00280121, vr, value + 300)
        y = np.where((s >= -2000) & (s <= -1700), 0, linear(s, 0, 4096))
        case(f"signed padding {vr} {value}", written(ds), s, y)
    only_limit = dataset(p)
    only_limit.add_new(0x00280121, "US", 100)
    case("a padding limit without a padding value", written(only_limit), p, linear(p, 2048, 4096))
    # Modality LUTs: the first input negative; fewer entries than inputs; then a VOI LUT behind one.
    ramp = [int(x) for x in (np.arange(4096) ** 2 // 4096)]
    for vr, first in (("SS", -2048), ("US", 63488)):
        ds = dataset(s, signed=True)
        ds.ModalityLUTSequence = [lut_item([4096, first, 16], words(ramp), vr)]
        case(f"modality LUT from {first}", written(ds), s,
             linear(np.asarray(ramp)[s + 2048], 2048, 4096))
    ds = dataset(p)
    ds.ModalityLUTSequence = [lut_item([100, 1000, 16], words(range(500, 600)))]
    ds.WindowCenter, ds.WindowWidth = 550, 100
    case("a short modality LUT", written(ds), p, linear(np.clip(p, 1000, 1099) - 500, 550, 100))
    ds.VOILUTSequence = [lut_item([100, 500, 8], bytes(range(100, 200)))]
    case("a VOI LUT behind a modality LUT", written(ds), p,
         table(np.clip(p, 1000, 1099) - 500, 500, list(range(100, 200)), 8))
    # A LUT of 10 bits in 16-bit words, one of 16 bits that ends at 12, and two to choose from.
    ds = dataset(p)
    ten = [i // 4 for i in range(4096)]
    ds.VOILUTSequence = [lut_item([4096, 0, 10], words(ten))]
    case("VOI LUT of 10 bits", written(ds), p, table(p, 0, ten, 10))
    ds.VOILUTSequence = [lut_item([4096, 0, 16], words(range(4096)))]
    case("VOI LUT of 16 bits that ends at 12", written(ds), p, table(p, 0, range(4096), 12),
         codes=["W-LUT-DEPTH"])
    ds.VOILUTSequence = [lut_item([4096, 0, 12], words(ramp), explanation="NORMAL"),
                         lut_item([4096, 0, 12], words(ten), explanation="SOFT")]

    def two_luts(report):
        assert report["attributes"]["windows"] == ["NORMAL", "SOFT", "Window 1"], report

    case("two VOI LUTs and a window", written(ds), p, table(p, 0, ramp, 12), check=two_luts)
    choice = dataset(p, WindowCenter=[500, 900, 1500], WindowWidth=[100, 300, 500],
                     WindowCenterWidthExplanation=["NORMAL", "HARDER", "SOFTER"],
                     VOILUTFunction="SIGMOID")
    choice.VOILUTSequence = [lut_item([4096, 0, 12], words(ramp), explanation=name)
                             for name in ("NORMAL", "HARDER", "SOFTER")]

    def all_six(report):
        assert report["attributes"]["windows"] == ["NORMAL", "HARDER", "SOFTER"] * 2, report

    case("three VOI LUTs and three windows", written(choice), p, table(p, 0, ramp, 12),
         check=all_six)
    broken = dataset(p)
    broken.VOILUTSequence = [lut_item([4096, 0, 12], words(ramp[:100]))]
    case("a VOI LUT cut short", written(broken), p, linear(p, 2048, 4096), codes=["W-LUT-INVALID"])
    # What Chinese writers leave under a Latin declaration is shown as declared.
    ds = dataset(p, WindowCenterWidthExplanation="x")
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.add_new(0x00281055, "LO", "王".encode("gbk").decode("latin-1"))

    def as_declared(report):
        assert report["attributes"]["windows"] == ["Íõ"], report["attributes"]

    case("GBK bytes under ISO_IR 100", written(ds), p, check=as_declared)


def sizes():
    p = film()

    def spacing(row, column, origin):
        def check(report):
            got = report["attributes"]["spacing"]
            if row is None:
                assert got is None, got
                return
            assert abs(got["row_spacing_mm"] - row) < 1e-6, got
            assert abs(got["column_spacing_mm"] - column) < 1e-6, got
            assert origin in json.dumps(got["origin"]), got
        return check

    for name, more, expected, codes in (
        ("at the detector", dict(), (0.07, 0.07, "Detector"), []),
        ("magnified 1.8", dict(EstimatedRadiographicMagnificationFactor="1.8"),
         (0.07 / 1.8, 0.07 / 1.8, "Magnified"), []),
        ("a factor of 0", dict(EstimatedRadiographicMagnificationFactor="0"),
         (0.07, 0.07, "Detector"), ["W-ERMF"]),
        ("PixelSpacing as the detector's", dict(PixelSpacing=[0.07, 0.07],
         EstimatedRadiographicMagnificationFactor="1.8"), (0.07 / 1.8, 0.07 / 1.8, "Magnified"), []),
        ("PixelSpacing corrected", dict(PixelSpacing=[0.0389, 0.0389],
         EstimatedRadiographicMagnificationFactor="1.8"), (0.0389, 0.0389, "Calibrated"), []),
        ("PixelSpacing that fits nothing", dict(PixelSpacing=[0.05, 0.05]),
         (0.07, 0.07, "Detector"), ["W-SPACING-CONFLICT"]),
        ("PixelSpacing calibrated", dict(PixelSpacing=[0.05, 0.05],
         PixelSpacingCalibrationType="FIDUCIAL"), (0.05, 0.05, "Calibrated"), []),
        ("not square", dict(ImagerPixelSpacing=[0.1, 0.05]), (0.1, 0.05, "Detector"), []),
        ("scanned", dict(ImagerPixelSpacing=None, NominalScannedPixelSpacing=[0.05, 0.05]),
         (0.05, 0.05, "FilmScanner"), []),
        ("PixelSpacing as the scanner's", dict(ImagerPixelSpacing=None, PixelSpacing=[0.05, 0.05],
         NominalScannedPixelSpacing=[0.05, 0.05]), (0.05, 0.05, "FilmScanner"), []),
        ("PixelSpacing other than the scanner's", dict(ImagerPixelSpacing=None,
         PixelSpacing=[0.048, 0.048], NominalScannedPixelSpacing=[0.05, 0.05]),
         (0.048, 0.048, "Calibrated"), []),
        ("scanned and at a detector", dict(NominalScannedPixelSpacing=[0.05, 0.05]),
         (0.07, 0.07, "Detector"), []),
        ("0", dict(ImagerPixelSpacing=[0, 0]), (None, None, ""), ["W-SPACING-INVALID", "W-NO-SPACING"]),
        ("negative", dict(ImagerPixelSpacing=[-0.07, 0.07]), (None, None, ""),
         ["W-SPACING-INVALID", "W-NO-SPACING"]),
        ("in metres", dict(ImagerPixelSpacing=["0.00007", "0.00007"]), (None, None, ""),
         ["W-SPACING-INVALID"]),
    ):
        case(f"spacing {name}", written(dataset(p, **more)), p, codes=codes,
             check=spacing(*expected))
    absent = dataset(p)
    del absent.ImagerPixelSpacing
    absent.EstimatedRadiographicMagnificationFactor = "1.8"
    case("spacing absent", written(absent), p, codes=["W-NO-SPACING"],
         check=spacing(None, None, ""))


def hanging():
    """Sides, views and orientation (PS3.3 C.7.6.1.1.1 and C.8.11.7)."""
    p = film()
    for side, view, axes, mirrored, over, edges in (
        ("R", "CC", ["P", "L"], False, False, "A R P L"),
        ("L", "CC", ["A", "R"], False, False, "P L A R"),
        ("R", "MLO", ["P", "FL"], False, False, "A HR P FL"),
        ("L", "MLO", ["A", "FR"], False, False, "P HL A FR"),
        ("R", "CC", ["A", "L"], True, False, "A R P L"),
        ("L", "CC", ["P", "R"], True, False, "P L A R"),
        ("R", "CC", ["P", "R"], False, True, "A R P L"),
        ("L", "CC", ["A", "L"], False, True, "P L A R"),
        ("R", "MLO", ["A", "FL"], True, False, "A HR P FL"),
        ("L", "ML", ["A", "H"], False, True, "P H A F"),
        ("R", "CC", ["L", "P"], False, False, "R A L P"),
    ):
        def hung(report, mirrored=mirrored, over=over, edges=edges):
            got = report["attributes"]
            assert got["pose"] == {"is_mirrored": mirrored, "is_upside_down": over}, got
            words_ = [got["edges"][edge] for edge in ("left", "top", "right", "bottom")]
            assert words_ == edges.split(), got
        ds = dataset(p, ImageLaterality=side, ViewPosition=view, PatientOrientation=axes)
        case(f"{side} {view} {axes}", written(ds), p, check=hung,
             not_codes=["W-LATERALITY-CONFLICT", "W-ORIENTATION-INVALID"])

    def as_stored(report):
        assert report["attributes"]["pose"] == {"is_mirrored": False, "is_upside_down": False}

    for side, view, axes in (("R", "CC", ["A", "R"]), ("L", "CC", ["P", "L"]),
                             ("R", "ML", ["A", "F"]), ("R", "MLO", ["A", "FR"])):
        ds = dataset(p, ImageLaterality=side, ViewPosition=view, PatientOrientation=axes)
        case(f"{side} {view} as the other breast {axes}", written(ds), p,
             codes=["W-LATERALITY-CONFLICT"], check=as_stored)
    for axes in (["A", "A"], ["A", "P"], ["L", "R"], ["", "L"], ["FH", "A"]):
        ds = dataset(p, PatientOrientation=axes)
        case(f"orientation {axes}", written(ds), p, codes=["W-ORIENTATION-INVALID"],
             check=as_stored)
    case("no orientation", written(dataset(p, PatientOrientation=None)), p,
         not_codes=["W-ORIENTATION-INVALID"], check=as_stored)

    def side_is(expected):
        def check(report):
            assert report["attributes"]["image_laterality"] == expected, report["attributes"]
        return check

    only = dataset(p, Laterality="L")
    del only.ImageLaterality
    case("Laterality alone", written(only), p, check=side_is("L"))
    case("both breasts", written(dataset(p, ImageLaterality="B")), p, check=side_is("B"))
    unpaired = dataset(p, ImageLaterality="U")
    case("unpaired", written(unpaired), p, codes=["W-NO-LATERALITY"], check=side_is(None))
    case("a side in words", written(dataset(p, ImageLaterality="RIGHT")), p,
         codes=["W-LATERALITY-INVALID"], check=side_is(None))

    def view_is(expected):
        def check(report):
            assert report["attributes"]["view_position"] == expected, report["attributes"]
        return check

    for value, scheme, expected in (("R-10242", "SNM3", "CC"), ("399260004", "SCT", "ML"),
                                    ("399352003", "SCT", "LM"), ("399192008", "SCT", "XCCL")):
        ds = dataset(p, ViewPosition=None)
        ds.ViewCodeSequence = [code(value, "a view", scheme)]
        case(f"view code {value}", written(ds), p, check=view_is(expected))
    ds = dataset(p, ViewPosition="ML")
    ds.ViewCodeSequence = [code("399368009", "medio-lateral oblique")]
    case("code and position differ", written(ds), p, codes=["W-VIEW-CONFLICT"], check=view_is("MLO"))
    ds = dataset(p)
    ds.ViewCodeSequence = [code("399162004", "cranio-caudal")]
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = [
        code("399163009", "Magnification"), code("399209000", "Implant Displaced")]

    def both(report):
        texts = " ".join(c["text"] for c in report["cautions"] if c["code"] == "W-VIEW-MODIFIER")
        assert "Magnification" in texts and "Implant" in texts, texts

    case("two view modifiers", written(ds), p, codes=["W-VIEW-MODIFIER"], check=both)


ALL = (more_containers, more_pixels, streams, more_frames, more_grey, sizes, hanging)
