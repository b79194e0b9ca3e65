#!/usr/bin/env python3
"""Drives every outlining gesture in the real window and holds each to what the journal then says.

The window runs under Xvfb with a software Vulkan driver; the mouse and the keys are xdotool's. After
each gesture the outline that the window wrote to its journal must have changed as that gesture
promises, undo must bring back the one before, and a screenshot is kept.

Usage: gestures.py BIN_FOLDER OUT_FOLDER     (BIN_FOLDER holds precedent and precedent-cli)
Needs xvfb, xdotool and ImageMagick. Exit status 1 names the gestures that failed.
"""

import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

WIDTH, HEIGHT = 1600, 1000


class Window:
    def __init__(self, binaries, work, out):
        self.out, self.shots = out, 0
        self.log = work / "log"
        self.journal = work / "data" / "precedent" / "outlines"
        (work / "run").mkdir(mode=0o700)
        self.env = dict(
            os.environ,
            XDG_RUNTIME_DIR=str(work / "run"),
            XDG_CONFIG_HOME=str(work / "config"),
            XDG_DATA_HOME=str(work / "data"),
            PRECEDENT_LOG="precedent::viewer=debug",
            NO_COLOR="1",
        )
        self.env.pop("WAYLAND_DISPLAY", None)
        read, write = os.pipe()
        screen = f"{WIDTH}x{HEIGHT}x24"
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-noreset", "-screen", "0", screen],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        self.env["DISPLAY"] = ":" + os.read(read, 16).decode().strip()
        # A mass somewhere in 80 mm of tissue; the truth is written beside the film.
        size = ["--columns", "800", "--rows", "800", "--pixel-mm", "0.1"]
        subprocess.run(
            [binaries / "precedent-cli", "phantom", "--out", work / "film", "--region", "--seed", "7"]
            + size
            + ["--margin", "circumscribed"],
            check=True,
            capture_output=True,
        )
        self.size = (800, 800)
        self.truth = json.loads((work / "film" / "phantom-000007.json").read_text())
        film = work / "film" / "phantom-000007.dcm"
        self.program = subprocess.Popen(
            [binaries / "precedent", film], env=self.env, stderr=open(self.log, "w")
        )
        self.id = self.x("search", "--sync", "--pid", self.program.pid, "--name", "^Precedent$")
        self.id = self.id.split()[0]
        self.x("windowmove", self.id, 0, 0, "windowsize", self.id, WIDTH, HEIGHT)
        self.wait("the film is shown", lambda: "the film is shown" in self.log.read_text())
        time.sleep(2)
        self.x("windowfocus", self.id)

    def x(self, *words):
        done = subprocess.run(
            ["xdotool", *map(str, words)], env=self.env, check=True, capture_output=True, text=True
        )
        return done.stdout

    def wait(self, what, holds, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            if holds():
                return
            if self.program.poll() is not None:
                raise SystemExit(f"the window has ended:\n{self.log.read_text()}")
            time.sleep(0.05)
        raise TimeoutError(what)

    def on_screen(self, x, y):
        """A pixel of the film, fitted into the canvas."""
        pattern = r"canvas=\[\[([\d.]+) ([\d.]+)\] - \[([\d.]+) ([\d.]+)\]\]"
        left, top, right, bottom = map(float, re.findall(pattern, self.log.read_text())[-1])
        columns, rows = self.size
        zoom = min((right - left) / columns, (bottom - top) / rows)
        return (
            (left + right) / 2 + (x - columns / 2) * zoom,
            (top + bottom) / 2 + (y - rows / 2) * zoom,
        )

    def drag(self, points, keys=(), button=1):
        """Presses at the first place, passes the others, lets go at the last."""
        places = [self.on_screen(*p) for p in points]
        self.x("mousemove", *map(round, places[0]), "sleep", 0.2)
        for key in keys:
            self.x("keydown", key)
        self.x("sleep", 0.1, "mousedown", button)
        for a, b in zip(places, places[1:]):
            for i in range(1, 7):
                x, y = (a[k] + (b[k] - a[k]) * i / 6 for k in (0, 1))
                self.x("mousemove", round(x), round(y), "sleep", 0.03)
        self.x("sleep", 0.2, "mouseup", button, "sleep", 0.1)
        for key in reversed(keys):
            self.x("keyup", key)

    def key(self, name):
        self.x("key", "--clearmodifiers", name, "sleep", 0.15)

    def outline(self):
        """What the journal holds, None where it holds nothing."""
        files = list(self.journal.glob("*.json")) if self.journal.exists() else []
        return json.loads(files[0].read_text()) if files else None

    def changed(self, before):
        self.wait("the outline changes", lambda: self.outline() != before, 20)
        # A gesture is one change: nothing follows.
        time.sleep(0.4)
        return self.outline()

    def shot(self, name):
        self.shots += 1
        path = self.out / f"{self.shots:02d}-{name}.png"
        subprocess.run(["import", "-window", "root", str(path)], env=self.env, check=True)

    def close(self):
        self.program.kill()
        self.server.kill()


def contains(contour, x, y):
    """Even-odd rule."""
    inside = False
    for (ax, ay), (bx, by) in zip(contour, contour[1:] + contour[:1]):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside


def area(contour):
    pairs = zip(contour, contour[1:] + contour[:1])
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)) / 2


def distance(contour, x, y):
    best = math.inf
    for (ax, ay), (bx, by) in zip(contour, contour[1:] + contour[:1]):
        dx, dy = bx - ax, by - ay
        t = max(0, min(1, ((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-12)))
        best = min(best, math.hypot(ax + t * dx - x, ay + t * dy - y))
    return best


def line(outline):
    """The vertices of a contour, however it is written."""
    points = outline["contour"]
    points = points["points"] if isinstance(points, dict) else points
    return [(p["x"], p["y"]) if isinstance(p, dict) else tuple(p) for p in points]


def kinds(outline):
    return [next(iter(c)) if isinstance(c, dict) else c for c in outline["corrections"]]


def run(window, failures):
    (cx, cy), truth = window.truth["center"], window.truth
    radius = truth["radius_mm"] / truth["pixel_mm"]

    def at(angle, radii):
        turn = math.radians(angle)
        return cx + radii * radius * math.cos(turn), cy + radii * radius * math.sin(turn)

    def check(name, holds):
        window.shot(name)
        if not holds:
            failures.append(name)
        print("ok    " if holds else "FAILED", name, flush=True)

    def gesture(name, do, promise):
        """Does it, holds it to its promise, and takes it back."""
        before = window.outline()
        do()
        try:
            after = window.changed(before)
        except TimeoutError:
            return check(name, False)
        check(name, promise(before, after))
        window.key("ctrl+z")
        try:
            window.wait("undo brings it back", lambda: window.outline() == before, 20)
        except TimeoutError:
            check(name + "-undo", False)
            window.key("ctrl+z")

    # Prompts.
    window.x("mousemove", *map(round, window.on_screen(*at(0, 3.2))), "sleep", 1.5)
    window.shot("pointer-rests-on-tissue")
    gesture(
        "click",
        lambda: window.drag([(cx, cy)]),
        lambda _, after: "Click" in after["prompt"] and contains(line(after), cx, cy),
    )
    gesture(
        "box",
        lambda: window.drag([at(225, 1.5), at(45, 1.5)], keys=["alt"]),
        lambda _, after: "Box" in after["prompt"] and contains(line(after), cx, cy),
    )
    gesture(
        "drag",
        lambda: window.drag([(cx, cy), at(0, 1)]),
        lambda _, after: "Drag" in after["prompt"]
        and 0.7 < area(line(after)) / area(truth["outline"]) < 1.4,
    )
    window.key("ctrl+shift+z")
    window.wait("redo brings the drag back", lambda: window.outline() is not None, 20)
    check("redo", "Drag" in window.outline()["prompt"])

    # Corrections.
    drawn = line(window.outline())
    edge = max(drawn)
    pulled = edge[0] + 0.3 * radius, edge[1]
    gesture(
        "pull",
        lambda: window.drag([edge, pulled]),
        lambda _, after: kinds(after) == ["Through"] and distance(line(after), *pulled) < 4,
    )
    gesture(
        "shift-include",
        lambda: window.drag([at(90, 0.8), at(90, 1.35)], keys=["shift"]),
        lambda _, after: kinds(after) == ["Include"] and contains(line(after), *at(90, 1.3)),
    )
    gesture(
        "ctrl-exclude",
        lambda: window.drag([at(180, 1.3), at(180, 0.6)], keys=["ctrl"]),
        lambda _, after: kinds(after) == ["Exclude"] and not contains(line(after), *at(180, 0.65)),
    )
    gesture(
        "push-brush-out",
        lambda: (window.key("b"), window.drag([at(270, 0.7), at(270, 1.3)])),
        lambda _, after: kinds(after) == ["Push"] and contains(line(after), *at(270, 1.3)),
    )
    gesture(
        "push-brush-smaller-in",
        lambda: (window.key("bracketleft"), window.drag([at(270, 1.7), at(270, 0.8)])),
        lambda _, after: kinds(after) == ["Push"] and not contains(line(after), *at(270, 0.85)),
    )
    gesture(
        "redraw-adds",
        lambda: (
            window.key("d"),
            window.drag([at(20, 0.6), at(20, 1.5), at(50, 1.5), at(50, 0.6)]),
        ),
        lambda _, after: kinds(after) == ["Redraw"] and contains(line(after), *at(35, 1.35)),
    )
    gesture(
        "redraw-cuts",
        lambda: window.drag([at(120, 1.6), at(150, 0.7), at(180, 1.6)]),
        lambda before, after: kinds(after) == ["Redraw"] and area(line(after)) < area(line(before)),
    )
    window.key("space")
    window.shot("space-takes-the-last-tool")
    window.key("Escape")
    for key, kind in [("s", "Smooth"), ("k", "KeepLargest"), ("r", "Resnap")]:
        gesture(
            f"{key}-{kind}",
            lambda key=key: window.key(key),
            lambda _, after, kind=kind: kinds(after) == [kind],
        )

    def wheel():
        window.x("mousemove", *map(round, window.on_screen(cx, cy)), "keydown", "alt")
        window.x("click", 4, "sleep", 0.1, "click", 4, "sleep", 0.6, "keyup", "alt")

    gesture(
        "alt-wheel-larger",
        wheel,
        lambda before, after: after["prompt"]["Drag"]["radius"] > before["prompt"]["Drag"]["radius"],
    )
    gesture(
        "alt-minus-smaller",
        lambda: window.key("alt+minus"),
        lambda before, after: after["prompt"]["Drag"]["radius"] < before["prompt"]["Drag"]["radius"],
    )

    window.drag([edge, pulled])
    window.wait("pulled", lambda: kinds(window.outline()) == ["Through"], 20)
    window.key("s")
    window.wait("smoothed", lambda: kinds(window.outline()) == ["Through", "Smooth"], 20)
    gesture(
        "backspace-drops-the-point",
        lambda: window.key("BackSpace"),
        lambda _, after: kinds(after) == ["Smooth"],
    )
    window.key("ctrl+z")
    window.key("ctrl+z")
    window.wait("all is back", lambda: window.outline()["corrections"] == [], 20)

    # A gesture that is cancelled, and one that is accepted before the hand lets go.
    before = window.outline()
    places = [window.on_screen(*at(90, 0.8)), window.on_screen(*at(90, 1.4))]
    for key, expected in [("Escape", []), ("Return", ["Push"])]:
        window.key("b")
        window.x("mousemove", *map(round, places[0]), "sleep", 0.1, "mousedown", 1)
        window.x("mousemove", *map(round, places[1]), "sleep", 0.3)
        window.x("mousemove", round(places[1][0]), round(places[1][1]) + 2, "sleep", 0.5)
        window.shot(f"{key}-while-drawing")
        window.key(key)
        window.x("sleep", 0.8, "mouseup", 1, "sleep", 0.5)
        check(f"{key}-ends-the-stroke", kinds(window.outline()) == expected)
        window.key("o")
    window.key("ctrl+z")
    window.wait("the stroke is taken back", lambda: window.outline() == before, 20)

    # By keyboard alone, on an inverted display; then the display at 3 times the size.
    window.key("i")
    gesture(
        "crosshair-outline-inverted",
        lambda: (window.key("c"), window.key("plus"), window.x("sleep", 0.5), window.key("Return")),
        lambda _, after: "Drag" in after["prompt"] and contains(line(after), cx, cy),
    )
    window.key("i")
    gesture("delete", lambda: window.key("Delete"), lambda _, after: after is None)
    window.wait("it is back", lambda: window.outline() is not None, 20)
    check("the-film-at-the-end", True)


def main():
    binaries, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    failures = []
    with tempfile.TemporaryDirectory() as work:
        window = Window(binaries, pathlib.Path(work), out)
        try:
            run(window, failures)
        finally:
            window.close()
    for failure in failures:
        print("FAILED", failure)
    print(f"{window.shots} screenshots in {out}; {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
