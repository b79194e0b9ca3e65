"""Writes the starter library's manifest and copies its films.

Usage: starter_manifest.py DATA STARTER PRECEDENT_CLI [SHEETS]

DATA is a folder with DDSM pictures and a `manifest.csv` (a row a picture: file, patient_id, class,
centre, pixel_mm, digitizer, terms); STARTER gets `manifest.csv` and `films/`, byte for byte.
SHEETS, where named, gets contact sheets to look at. Needs numpy, scipy and Pillow.

Masses are DDSM regions of 50 x 50 mm with the mass in the middle. Normal regions come from two
places, so that the scanner does not give the class away: films without a finding (scanner DBA 21,
which no mass comes from), and places on the masses' own films, away from the mass. A normal region
has a radius that some mass has, lies wholly on tissue (the square that the encoder sees holds no
padding, no film edge, no air), and is the most mass-like place on its picture: the largest
contrast of a disc against its ring. All are outlined by the same prompts when they are imported.
"""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

GRID_MM = 0.2
# The encoder's square has a half side of 1.5 equivalent radii.
HALF_SIDE_RADII = 1.5
FROM_MASS_MM = 1.0
FROM_FILM_EDGE_MM = 2.0

# The one mass whose size a click does not find (looked at): its radius in mm, by eye.
RADIUS_MM = {"ddsm_roi/usf0386_RCC_L1_MS_B.jpg": 8.0}
# Every name of the demonstration patient; CBIS-DDSM gives each of her films a PatientID.
ALIASES = {
    "DDSM:C-0386": ["P_00173"]
    + [f"Mass-Test_P_00173_{side}_{view}" for side in ("LEFT", "RIGHT") for view in ("CC", "MLO")]
}
# Normal regions dropped after looking at them, with the reason.
DROPPED = {
    "ddsm_roi/usf0118_LCC_L1_MS_M.jpg": "a ring on the skin",
    "ddsm_roi/usf1240_LMLO_L1_MS_M.jpg": "pectoral muscle in a corner",
    "ddsm_roi/usf1401_RMLO_L1_MS_M.jpg": "a marker",
    "ddsm_roi/usf1618_RMLO_L1_MS_M.jpg": "perhaps pectoral muscle",
    "ddsm_roi/usf1890_LMLO_L1_MS_B.jpg": "perhaps pectoral muscle",
    "ddsm_roi/usf3424_LCC_L1_MS_B.jpg": "a fibre on the film, and the rim of the mass",
}
# Few masses are smaller than this, and no more normal regions shall be.
SMALL_MM = 4.0
# Shortest side of a cropped picture.
ROOM_MM = 8.1

COLUMNS = (
    "file crop region patients pathology outcome_basis source laterality view pixel_mm "
    "pixel_origin shape margin breast_density assessment age notes"
).split()


def main():
    data, starter, cli = (Path(text) for text in sys.argv[1:4])
    sheets = Path(sys.argv[4]) if len(sys.argv) > 4 else None
    with open(data / "manifest.csv", newline="", encoding="utf-8") as file:
        films = list(csv.DictReader(file))
    masses = [film for film in films if film["file"].startswith("ddsm_roi/")]
    normals = [film for film in films if film["file"].startswith("ddsm_normal_roi/")]

    rows = []
    for film in masses:
        film["region"] = mass_region(film)
        film["contour"], film["radius_mm"] = outline(cli, data, film)
        rows.append(row(film, film["region"], "", mass_notes(film)))
    radii = sorted(film["radius_mm"] for film in masses)
    chosen = normal_regions(data, masses, normals, radii)
    for film, place in chosen:
        rows.append(normal_row(film, place))

    (starter / "films").mkdir(parents=True, exist_ok=True)
    for film in masses + normals:
        target = starter / "films" / film["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / film["file"], target)
    with open(starter / "manifest.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    report(radii, chosen)
    if sheets:
        contact_sheet(data, chosen, sheets)


def mass_region(film):
    x, y = film["center_x"], film["center_y"]
    radius_mm = RADIUS_MM.get(film["file"])
    if radius_mm:
        return f"circle {x} {y} {radius_mm / float(film['pixel_mm']):.0f}"
    return f"point {x} {y}"


def outline(cli, data, film):
    """The contour in pixels, much as the import finds it: a click, bounded to 2 to 12.4 mm."""
    words = film["region"].split()
    at = f"{words[1]},{words[2]}"
    pixel_mm = float(film["pixel_mm"])

    def solve(*prompt):
        command = [cli, "outline", data / film["file"], *prompt, "--pixel-mm", film["pixel_mm"]]
        done = subprocess.run([*command, "--json"], check=True, capture_output=True)
        points = np.array(json.loads(done.stdout)["outline"])
        x, y = points[:, 0], points[:, 1]
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        return points, np.sqrt(area / np.pi) * pixel_mm

    if words[0] == "circle":
        return solve("--center", at, "--radius-px", words[3])
    points, radius_mm = solve("--click", at)
    bounded = min(max(radius_mm, 2.0), 12.4)
    if bounded != radius_mm:
        return solve("--center", at, "--radius-mm", str(bounded))
    return points, radius_mm


def has_two_findings(film):
    return "abnormalities" in film["notes"]


def mass_notes(film):
    notes = f"DDSM case {film['case_id']}, lesion {film['subtype']}"
    if has_two_findings(film):
        notes += "; the film has several findings and DDSM's terms do not say of which"
    return notes


def row(film, region, crop, notes):
    patient = film["patient_id"]
    terms_are_sure = not has_two_findings(film)
    return {
        "file": f"films/{film['file']}",
        "crop": crop,
        "region": region,
        "patients": " | ".join([patient, *ALIASES.get(patient, [])]),
        "pathology": film["class"],
        "outcome_basis": "as stated by DDSM (mostly biopsy)",
        "source": f"DDSM, {film['digitizer']}",
        "laterality": film["laterality"],
        "view": film["view"],
        "pixel_mm": film["pixel_mm"],
        "pixel_origin": "scanner",
        "shape": film["shape"] if terms_are_sure else "",
        "margin": film["margin"] if terms_are_sure else "",
        "breast_density": film["density"],
        "assessment": film["birads"],
        "age": film["age"],
        "notes": notes,
    }


def normal_row(film, place):
    pixel_mm = float(film["pixel_mm"])
    x, y, radius = (value / pixel_mm for value in (place["x"], place["y"], place["radius_mm"]))
    region = f"circle {x:.0f} {y:.0f} {radius:.0f}"
    crop = " ".join(str(value) for value in place["crop"])
    if film["class"] == "normal":
        notes = f"DDSM case {film['case_id']}, normal examination"
        basis = "normal examination, as stated by DDSM"
    else:
        notes = f"DDSM case {film['case_id']}, away from the mass on this film"
        basis = "no finding marked by DDSM at this place; the mass of this film lies elsewhere"
    made = row({**film, "class": "normal"}, region, crop, notes)
    return {**made, "outcome_basis": basis, "shape": "", "margin": "", "assessment": ""}


def normal_regions(data, masses, normals, radii):
    """One place a picture: the largest radii for the films without a finding, which have room."""
    largest = radii[-len(normals) :]
    chosen = []
    for film, radius_mm in zip(normals, largest):
        # A radius too large for the square to stay on the picture shrinks until it fits.
        while radius_mm > 2 and not (place := best_place(data, film, radius_mm, None)):
            radius_mm -= 0.5
        chosen.append((film, place))
    rooms = []
    for film in masses:
        if has_two_findings(film) or film["file"] in DROPPED:
            continue
        fits = [r for r in radii if r <= 7.5 and best_place(data, film, r, film["contour"])]
        if fits:
            rooms.append((max(fits), film))
    small = sorted((room for room in rooms if room[0] < SMALL_MM), key=lambda room: -room[0])
    rooms = [room for room in rooms if room[0] >= SMALL_MM]
    rooms += small[: sum(radius < SMALL_MM for radius in radii)]
    # Small rooms take small radii, so that the larger radii find a place too.
    rooms.sort(key=lambda room: (room[0], room[1]["file"]))
    wanted = [radii[i * bisect(radii, 7.5) // len(rooms)] for i in range(len(rooms))]
    for (room, film), radius_mm in zip(rooms, wanted):
        place = best_place(data, film, min(radius_mm, room), film["contour"])
        # The encoder looks at 8 mm at least, which must all be tissue of this picture.
        if min(place["crop"][2:]) * float(film["pixel_mm"]) > ROOM_MM:
            chosen.append((film, place))
    return chosen


def bisect(values, limit):
    return sum(value <= limit for value in values)


def best_place(data, film, radius_mm, mass):
    """The most mass-like place for a disc of this radius; mm from the picture's corner."""
    pixel_mm = float(film["pixel_mm"])
    picture = Image.open(data / film["file"]).convert("L")
    side_mm = np.array(picture.size) * pixel_mm
    size = tuple(np.round(side_mm / GRID_MM).astype(int))
    grey = np.asarray(picture.resize(size, Image.Resampling.BOX), dtype=float)

    padding = ndimage.binary_opening(grey < 8, iterations=2)
    edge = int(FROM_FILM_EDGE_MM / GRID_MM)
    tissue = ~ndimage.binary_dilation(padding, iterations=edge)
    # Air and the skin line are far darker than the breast; film edges and labels are white.
    breast = np.median(grey[tissue]) if tissue.any() else 0
    smooth = ndimage.gaussian_filter(grey, 1.0 / GRID_MM)
    tissue &= (smooth > 0.62 * breast) & (grey < 250)

    half = HALF_SIDE_RADII * radius_mm
    reach = int(np.ceil(half / GRID_MM))
    box = 2 * reach + 1
    allowed = ndimage.uniform_filter(tissue.astype(float), box, mode="constant") > 0.999
    allowed[:reach], allowed[-reach:], allowed[:, :reach], allowed[:, -reach:] = (False,) * 4
    strips = clear_strips(mass, pixel_mm, side_mm)
    beside = np.zeros_like(allowed)
    for x0, y0, x1, y1 in strips:
        columns = np.arange(grey.shape[1]) * GRID_MM
        rows = np.arange(grey.shape[0]) * GRID_MM
        inside = (columns - half >= x0) & (columns + half <= x1)
        beside |= inside[None] & ((rows - half >= y0) & (rows + half <= y1))[:, None]
    allowed &= beside
    if not allowed.any():
        return None

    contrast = disc_contrast(grey, radius_mm / GRID_MM)
    row, column = np.unravel_index(np.argmax(np.where(allowed, contrast, -np.inf)), grey.shape)
    x, y = column * GRID_MM, row * GRID_MM
    place = {"x": x, "y": y, "radius_mm": radius_mm, "contrast": contrast[row, column]}
    place["crop"] = crop(x, y, half, strips, pixel_mm, picture.size) if mass is not None else ()
    return place


def clear_strips(mass, pixel_mm, side_mm):
    """The parts of the picture left and right of, above and below the mass, in mm."""
    width, height = side_mm
    if mass is None:
        return [(0, 0, width, height)]
    low = mass.min(axis=0) * pixel_mm - FROM_MASS_MM
    high = mass.max(axis=0) * pixel_mm + FROM_MASS_MM
    return [
        (0, 0, low[0], height),
        (high[0], 0, width, height),
        (0, 0, width, low[1]),
        (0, high[1], width, height),
    ]


def crop(x, y, half, strips, pixel_mm, size):
    """A square about the place that shows nothing of the mass: column, row, columns, rows."""
    show = 1.6 * half
    found = []
    for x0, y0, x1, y1 in strips:
        x0, y0, x1, y1 = max(x0, x - show), max(y0, y - show), min(x1, x + show), min(y1, y + show)
        if x0 <= x - half and x1 >= x + half and y0 <= y - half and y1 >= y + half:
            found.append(((x1 - x0) * (y1 - y0), (x0, y0, x1, y1)))
    x0, y0, x1, y1 = (int(round(value / pixel_mm)) for value in max(found)[1])
    x1, y1 = min(x1, size[0]), min(y1, size[1])
    return x0, y0, x1 - x0, y1 - y0


def disc_contrast(grey, radius):
    """Mean of a disc less the mean of its ring, over the ring's SD, at every pixel."""
    outer = int(np.ceil(1.5 * radius))
    y, x = np.mgrid[-outer : outer + 1, -outer : outer + 1]
    distance = np.hypot(x, y)
    disc = (distance <= radius).astype(float)
    ring = ((distance > radius) & (distance <= 1.5 * radius)).astype(float)
    mean = lambda picture, kernel: fft_filter(picture, kernel) / kernel.sum()
    spread = np.sqrt(np.maximum(mean(grey**2, ring) - mean(grey, ring) ** 2, 1.0))
    return (mean(grey, disc) - mean(grey, ring)) / spread


def fft_filter(picture, kernel):
    from scipy.signal import fftconvolve

    return fftconvolve(picture, kernel, mode="same")


def report(radii, chosen):
    quartiles = lambda values: " / ".join(f"{v:.1f}" for v in np.quantile(values, [0.25, 0.5, 0.75]))
    print(f"{len(radii)} masses, radius quartiles {quartiles(radii)} mm")
    own = [place["radius_mm"] for film, place in chosen if film["class"] != "normal"]
    other = [place["radius_mm"] for film, place in chosen if film["class"] == "normal"]
    print(f"{len(own)} normal places on the masses' films, radius quartiles {quartiles(own)} mm")
    print(f"{len(other)} on films without a finding, radius quartiles {quartiles(other)} mm")


def contact_sheet(data, chosen, sheets):
    """What the encoder sees of each normal region (left), and the picture that is stored."""
    sheets.mkdir(parents=True, exist_ok=True)
    side, columns = 150, 6
    for page in range(0, len(chosen), 30):
        part = chosen[page : page + 30]
        sheet = Image.new("L", (columns * 2 * side, -(-len(part) // columns) * (side + 12)), 255)
        draw = ImageDraw.Draw(sheet)
        for i, (film, place) in enumerate(part):
            left, top = (i % columns) * 2 * side, (i // columns) * (side + 12)
            picture = Image.open(data / film["file"]).convert("L")
            pixel_mm = float(film["pixel_mm"])
            x, y, r = (place[key] / pixel_mm for key in ("x", "y", "radius_mm"))
            half = HALF_SIDE_RADII * r
            patch = picture.crop([int(v) for v in (x - half, y - half, x + half, y + half)])
            sheet.paste(stretched(patch).resize((side - 2, side - 2)), (left, top + 12))
            x0, y0, w, h = place["crop"] or (0, 0, *picture.size)
            shown = picture.crop((x0, y0, x0 + w, y0 + h))
            scale = (side - 2) / max(shown.size)
            shown = shown.resize([max(1, int(v * scale)) for v in shown.size])
            circle = [(v - o) * scale for v, o in ((x - r, x0), (y - r, y0), (x + r, x0), (y + r, y0))]
            ImageDraw.Draw(shown).ellipse(circle, outline=255)
            sheet.paste(shown, (left + side, top + 12))
            label = f"{Path(film['file']).stem[:22]} r {place['radius_mm']:.1f} c {place['contrast']:.1f}"
            draw.text((left + 2, top), label, fill=0)
        sheet.save(sheets / f"normals-{page // 30}.png")


def stretched(patch):
    values = np.asarray(patch, dtype=float)
    low, high = np.percentile(values, [1, 99])
    return Image.fromarray(np.uint8(np.clip((values - low) / max(high - low, 1) * 255, 0, 255)))


main()
