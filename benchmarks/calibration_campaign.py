# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Random calibrant images, calibrated and compared with the truth: how many are found, and is "good" right?

::

    python benchmarks/calibration_campaign.py calibrate 500 --file cases.jsonl      # 500 cases, resumed when repeated
    python benchmarks/calibration_campaign.py calibrate --case 17                   # one case, told in full
    python benchmarks/calibration_campaign.py calibrate 500 --wrong --file wrong.jsonl  # wrong calibrant or wavelength
    python benchmarks/calibration_campaign.py report --file cases.jsonl

Modes: "recalibrate" starts from a geometry that is off by up to 3 pixels and 0.3 % of the distance; "calibrate" from
nothing, or, in half of the cases, from a distance that is wrong by up to 30 %: along the detector's normal or, for odd
seeds, along the beam.

What is drawn
    Detector (21), calibrant (17), distance 0.05-5 m, photon energy 6-90 keV, tilt to 45 degrees in any direction, the
    beam inside, at the edge or outside of the detector, 5 to 1e5 counts on the highest ring, width of the rings,
    profile, background to three times the rings, its slope, masks, hot and dead pixels, grains, missing parts of rings.

What counts as solvable
    Redrawn are cases in which not even all photons together, used in the best way, would tell: at least three rings
    must be apart from every neighbour that matters (6 pixels and 1.5 widths; rings lower than a twentieth do not
    matter), have 100 usable pixels of arc (60 on detectors of less than 300 pixels), 15 grains in it, and a height of
    15 standard errors were all their pixels added up; and the Cramer-Rao bound of two theta, from all
    pixels, must be below 0.03 pixel everywhere on the detector.

What is said of a case
    found: two theta within half a pixel everywhere on the detector (the rings are the right ones); right: within 0.1
    pixel everywhere, which is what "good" promises.  Pixels are compared one by one, gaps and masked ones included.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import azimuthal as az
from azimuthal.calibration.calibrating import calibrated
from azimuthal.calibration.radial_uncertainty import pixel_uncertainty
from azimuthal.calibration.systematic_error import systematic_covariance
from azimuthal.errors import AzimuthalError
from azimuthal.testing.calibrant_images import (
    CalibrantLook,
    calibrant_image,
    largest_difference,
    ring_truths,
    smallest_covariance,
)

DETECTORS = (
    "Pilatus100k", "Pilatus300k", "Pilatus300kw", "Pilatus1M", "Eiger500k", "Eiger1M", "Eiger2_4M", "Maxipix2x2",
    "Maxipix5x1", "Lambda250k", "Lambda750k", "Jungfrau1M", "ImXPadS140", "Xpad_flat", "Apex2", "Pixium", "HF_1M",
    "Perkin", "Mar345", "Rayonix133", "Pixirad1",
)  # fmt: skip
CALIBRANTS = (
    "LaB6", "CeO2", "Si", "AgBh", "alpha_Al2O3", "Au", "Ni", "NaCl", "Cr2O3", "TiO2", "ZnO", "quartz", "diamond",
    "PBBA", "C14H30O", "lysozyme", "vanadinite",
)  # fmt: skip
PARAMETERS = ("dist", "poni1", "poni2", "rot1", "rot2")
FOUND, RIGHT = 0.5, 0.1
LARGEST_BOUND = 0.03
MOST_PIXELS = 12_000_000


@dataclass(frozen=True)
class Case:
    """What a seed draws."""

    seed: int
    detector: str
    instrument: az.Instrument
    calibrant: str
    look: CalibrantLook
    facts: dict


def draw(seed: int, *, largest: int = MOST_PIXELS) -> Case:
    """Return the case of a seed: solvable (module docstring), on detectors of at most `largest` pixels."""
    rng = np.random.default_rng([seed, 2026])
    names = [name for name in DETECTORS if math.prod(az.detector(name).shape) <= largest]
    while True:
        name = names[rng.integers(len(names))]
        distance = 10 ** rng.uniform(math.log10(0.05), math.log10(5))
        for _ in range(100):
            case = _tried(seed, rng, name, distance)
            if case is not None:
                return case


def _tried(seed, rng, name, distance):
    """Return a case with this detector at this distance, or None when it cannot be solved."""
    detector, calibrant = az.detector(name), CALIBRANTS[rng.integers(len(CALIBRANTS))]
    wavelength = 12.398419843320026e-10 / 10 ** rng.uniform(math.log10(6), math.log10(90))
    place = ("inside", "inside", "inside", "edge", "outside")[rng.integers(5)]
    tilt = math.radians(rng.uniform(0, 2) if rng.random() < 0.35 else rng.uniform(0, 45))
    pose = _pose(rng, detector, distance, tilt, place)
    instrument = az.Instrument(detector, pose, az.Beam(wavelength))
    look = _look(rng, detector, distance)
    rings = _predicted(instrument, calibrant)
    if not 3 <= rings <= 80:
        return None
    truths, information = ring_truths(instrument, az.calibrant(calibrant), look, seed=seed)
    error = _bound_pixels(instrument, smallest_covariance(information[:5, :5]))
    usable = _usable(truths, look, detector, distance)
    if usable < 3 or not error < LARGEST_BOUND:
        return None
    facts = {
        "detector": name, "calibrant": calibrant, "distance": distance, "energy": 12.398419843320026e-10 / wavelength,
        "tilt": math.degrees(tilt), "place": place, "counts": look.counts, "grains": look.grains,
        "background": look.background, "pixels": look.fwhm * distance / detector.pixel1, "rings": len(truths),
        "usable": usable, "bound": error,
        "wavelength_bound": math.sqrt(smallest_covariance(information)[5, 5]) / wavelength,
        "hint": rng.uniform(0.7, 1.3) if rng.random() < 0.5 else None,
    }  # fmt: skip
    _tell_distance(facts, seed)
    return Case(seed, name, instrument, calibrant, look, facts)


def _tell_distance(facts, seed):
    """Make a distance of the factor by which the one that is told is wrong: along the beam in every other case."""
    if facts["hint"] is not None:
        facts["along"] = ("normal", "beam")[seed % 2]
        facts["hint"] *= _told_truly(facts)


def _told_truly(facts):
    """Return the distance that would be told if it were right."""
    return facts["distance"] / (math.cos(math.radians(facts["tilt"])) if facts.get("along") == "beam" else 1.0)


def _pose(rng, detector, distance, tilt, place):
    size = np.array(detector.shape) * (detector.pixel1, detector.pixel2)
    where = rng.uniform(0.05, 0.95, 2)
    if place != "inside":
        axis, side = rng.integers(2), rng.integers(2)
        beyond = rng.uniform(-0.05, 0.05) if place == "edge" else rng.uniform(0.05, 1.0)
        where[axis] = -beyond if side == 0 else 1 + beyond
    direction = rng.uniform(0, 2 * math.pi)
    normal1, normal2 = math.sin(tilt) * math.sin(direction), math.sin(tilt) * math.cos(direction)
    rot1 = math.asin(normal2)
    rot2 = math.asin(-normal1 / math.cos(rot1))
    beam = where * size
    poni1 = beam[0] - distance * math.tan(rot2) / math.cos(rot1)
    poni2 = beam[1] + distance * math.tan(rot1)
    return az.Pose(distance, float(poni1), float(poni2), rot1, rot2)


def _look(rng, detector, distance):
    width = 10 ** rng.uniform(math.log10(1.2), math.log10(6.0))  # pixels
    counts = 10 ** rng.uniform(math.log10(5), 5)
    spotty = rng.random() < 0.25
    part = rng.random() < 0.15
    return CalibrantLook(
        fwhm=width * detector.pixel1 / distance,
        counts=counts,
        strain=10 ** rng.uniform(-4.5, -3),
        lorentz=rng.uniform(0, 1) if rng.random() < 0.5 else 0.0,
        heights="random" if rng.random() < 0.3 else "multiplicity",
        debye_waller=rng.uniform(0.2, 2) * 1e-20,
        background=counts * 10 ** rng.uniform(-2.5, 0.5),
        background_end=10 ** rng.uniform(-1.3, 0),
        slope=rng.uniform(-1, 1),
        grains=10 ** rng.uniform(2, 4) if spotty else None,
        spot=rng.uniform(1, 3),
        lit=(rng.uniform(-np.pi, np.pi), rng.uniform(1.5, 5)) if part else None,
        polarization_factor=rng.uniform(-1, 1),
        masked=10 ** rng.uniform(-4, -1.5),
        beam_stop=rng.uniform(5, 40) if rng.random() < 0.5 else 0.0,
        rectangle=bool(rng.random() < 0.2),
        hot=10 ** rng.uniform(-6, -3.5),
        dead=10 ** rng.uniform(-6, -3.5),
    )


def _predicted(instrument, calibrant):
    """Return how many rings there are between the angles of the detector."""
    corners = np.concatenate([instrument.detector.centers(slice(i, i + 1))[0] for i in _lines(instrument.detector)])
    t = instrument.pose.lab_from_detector(corners)
    angle = np.arctan2(np.hypot(t[:, 0], t[:, 1]), t[:, 2])
    rings = az.calibrant(calibrant).two_theta(instrument.wavelength)
    return int(np.sum((rings > angle.min()) & (rings < angle.max())))


def _lines(detector):
    return np.unique(np.linspace(0, detector.shape[0] - 1, 20).astype(int)).tolist()


def _bound_pixels(instrument, bound):
    if not np.isfinite(bound).all():
        return math.inf
    covariance = np.zeros((7, 7))
    covariance[:5, :5] = bound
    return pixel_uncertainty(instrument, covariance)


def _usable(truths, look, detector, distance):
    """Return how many rings are apart and can be seen."""
    least = 60 if min(detector.shape) < 300 else 100
    count = 0
    for ring in truths:
        others = [o for o in truths if o is not ring and o.height > 0.05 * ring.height]
        nearest = min((abs(o.two_theta - ring.two_theta) for o in others), default=math.inf)
        radius = distance / detector.pixel1 * math.tan(min(ring.two_theta, 1.4))
        grains = math.inf if look.grains is None else look.grains * min(ring.arc / (2 * math.pi * radius), 1.0)
        apart = nearest > max(1.5 * ring.fwhm, 6 * detector.pixel1 / distance)
        count += apart and ring.arc >= least and ring.significance >= 15 and grains >= 15
    return count


# ---- one case -------------------------------------------------------------------------------------------------


def run(case: Case, mode: str, *, wrong: bool = False) -> dict:
    """Return what became of a case; `wrong`: told another calibrant, or a wavelength that is off by 20 %."""
    made = calibrant_image(case.instrument, az.calibrant(case.calibrant), case.look, seed=case.seed)
    told = _wrongly_told(case) if wrong else (made.calibrant, 1.0)
    row = {"seed": case.seed, "mode": mode, **case.facts}
    if wrong:
        row |= {"wrong": f"told {told[0].name}, wavelength x {told[1]:.1f}", "mode": mode + " wrong"}
    before = _peak_memory(reset=True)
    start, cpu = time.perf_counter(), time.process_time()
    try:
        found = _calibrated(case, made, mode, told)
    except AzimuthalError as error:
        return row | {"verdict": "raised", "reasons": [repr(error)]}
    except Exception:  # a campaign goes on, and tells
        return row | {"verdict": "crashed", "reasons": [traceback.format_exc()[-600:]]}
    row |= {
        "seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu,
        "memory": _peak_memory() - before, "verdict": found.verdict, "reasons": list(found.reasons),
    }  # fmt: skip
    if found.refinement is None:
        return row | {"worst": None}
    return row | _compared(case.instrument, found)


def _compared(truth, found):
    errors = found.standard_errors
    pulls = {
        name: (getattr(found.instrument.pose, name) - getattr(truth.pose, name)) / errors[name]
        for name in PARAMETERS if errors[name] > 0 and np.isfinite(errors[name])
    }  # fmt: skip
    return {
        "systematic": pixel_uncertainty(
            found.instrument, systematic_covariance(found.refinement, float(np.median(found.ring_points.fwhm)))
        ),
        "worst": largest_difference(truth, found.instrument), "told": found.largest_error, "pulls": pulls,
        "points": len(found.control_points), "passes": found.n_passes, "scatter": found.refinement.scatter,
        "ring_scatter": found.refinement.ring_scatter, "rings_found": len(found.ring_points.found),
        "fwhm": float(np.median(found.ring_points.fwhm)) if len(found.ring_points.fwhm) else None,
        "chi2": found.refinement.reduced_chi_square,
    }  # fmt: skip


def _wrongly_told(case):
    """Return a calibrant and a factor for the wavelength, one of them wrong."""
    rng = np.random.default_rng([case.seed, 11])
    if rng.random() < 0.5:
        return az.calibrant(case.calibrant), float(rng.choice([0.8, 1.2]))
    others = [name for name in CALIBRANTS if name != case.calibrant]
    return az.calibrant(others[rng.integers(len(others))]), 1.0


def _calibrated(case, made, mode, told):
    calibrant, factor = told
    wavelength = factor * case.instrument.wavelength
    if mode == "recalibrate":
        start = perturbed(case)
        if factor != 1 and case.seed % 2:  # the distance that somebody would have found with it
            start = start.replace(pose=start.pose.replace(dist=start.pose.dist / factor))
        return az.recalibrate(made.image, start, calibrant, mask=made.mask, wavelength=wavelength)
    hint = case.facts["hint"]
    return calibrated(
        made.image, case.instrument.detector, calibrant, wavelength=wavelength, mask=made.mask, distance=hint
    )  # fmt: skip


def perturbed(case: Case) -> az.Instrument:
    """Return the truth with its beam centre off by up to 3 pixels and its distance by up to 0.3 %."""
    rng = np.random.default_rng([case.seed, 7])
    pose, detector = case.instrument.pose, case.instrument.detector
    longer = 0.003 * pose.dist * rng.uniform(-1, 1)
    off1, off2 = 3 * detector.pixel1 * rng.uniform(-1, 1), 3 * detector.pixel2 * rng.uniform(-1, 1)
    return case.instrument.replace(
        pose=pose.replace(
            dist=pose.dist + longer,
            poni1=pose.poni1 + off1 - longer * math.tan(pose.rot2) / math.cos(pose.rot1),
            poni2=pose.poni2 + off2 + longer * math.tan(pose.rot1),
        )
    )


def _peak_memory(*, reset: bool = False) -> float:
    """Return the highest resident memory since the last reset, MB."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


# ---- many cases -----------------------------------------------------------------------------------------------


def campaign(mode: str, seeds: range, file: Path, *, largest: int = MOST_PIXELS, wrong: bool = False) -> None:
    """Run the cases that the file does not have yet, one after the other."""
    done = {(row["seed"], row["mode"]) for row in read(file)}
    todo = [seed for seed in seeds if (seed, mode + " wrong" * wrong) not in done]
    print(f"{len(seeds) - len(todo)} of {len(seeds)} cases are in {file}", flush=True)
    start = time.perf_counter()
    for n, seed in enumerate(todo, 1):
        row = run(draw(seed, largest=largest), mode, wrong=wrong)
        with file.open("a") as out:
            out.write(json.dumps(row, default=float) + "\n")
        spent = time.perf_counter() - start
        left = spent / n * (len(todo) - n)
        print(f"{n}/{len(todo)} {spent / n:.1f} s/case, {left / 60:.0f} min left: {line(row)}", flush=True)


def read(file: Path) -> list[dict]:
    """Return the rows of a file, none if it is not there."""
    return [json.loads(text) for text in file.read_text().splitlines()] if file.exists() else []


def line(row: dict) -> str:
    """Return a case in one line."""
    worst = "-" if row.get("worst") is None else f"{row['worst']:.3f} px off, told {row['told']:.3f}"
    spotty = "" if row["grains"] is None else f", {row['grains']:.0f} grains"
    hint = "" if row["hint"] is None else f", told {100 * (row['hint'] / _told_truly(row) - 1):+.0f} %"
    told = f"{row['wrong']} | " if "wrong" in row else ""
    where = f"{row['detector']} {row['calibrant']} {row['distance']:.3f} m {row['energy']:.1f} keV"
    look = f"{row['counts']:.0f}/{row['background']:.0f} counts fwhm {row['pixels']:.1f} px{spotty}"
    return (
        f"seed {row['seed']} {row['verdict']} {worst} | {told}{where} tilt {row['tilt']:.0f} {row['place']} {look}, "
        f"{row['usable']} of {row['rings']} rings{hint} | {'; '.join(row['reasons'])[:160]}"
    )


def report(rows: list[dict]) -> None:
    """Print the figures of the module docstring."""
    if any("wrong" in row for row in rows):
        report_wrong(rows)
        return
    worst = np.array([np.inf if row.get("worst") is None else row["worst"] for row in rows])
    good = np.array([row["verdict"] == "good" for row in rows])
    n = len(rows)
    print(
        f"\n{n} cases, {len({r['detector'] for r in rows})} detectors, {len({r['calibrant'] for r in rows})} calibrants"
    )
    print(f"found (within {FOUND} pixel everywhere): {np.sum(worst < FOUND)} ({100 * np.mean(worst < FOUND):.1f} %)")
    print(f"right (within {RIGHT} pixel everywhere): {np.sum(worst < RIGHT)} ({100 * np.mean(worst < RIGHT):.1f} %)")
    print(f"called good: {good.sum()} ({100 * good.mean():.1f} %), of these right: {np.sum(good & (worst < RIGHT))}")
    print(f"right and not called good: {np.sum((worst < RIGHT) & ~good)}; found, not right, not good: "
          f"{np.sum((worst < FOUND) & (worst >= RIGHT) & ~good)}")  # fmt: skip
    _report_pulls([row for row, w in zip(rows, worst, strict=True) if w < FOUND])
    for name in ("seconds", "memory"):
        values = [row[name] for row in rows if name in row]
        if values:
            print(
                f"{name}: median {np.median(values):.2f}, 95 % {np.percentile(values, 95):.2f}, most {max(values):.2f}"
            )
    for title, which in (("GOOD AND WRONG", good & (worst >= RIGHT)), ("not found", worst >= FOUND),
                         ("right, not good", (worst < RIGHT) & ~good)):  # fmt: skip
        print(f"\n{title}: {which.sum()}")
        for row, yes in zip(rows, which, strict=True):
            if yes:
                print("  " + line(row))


def report_wrong(rows: list[dict]) -> None:
    """Print which verdicts wrong calibrants and wavelengths got.

    Where the rings cannot tell wavelength and distance apart even at best (standard error of the wavelength above 2 %),
    nothing in the image is wrong: these are said apart.
    """
    blind = [row for row in rows if not row["wavelength_bound"] < 0.02]
    good = sum(row["verdict"] == "good" for row in blind)
    print(f"{len(blind)} at such small angles that no image tells, {good} of them good")
    rows = [row for row in rows if row["wavelength_bound"] < 0.02]
    print(
        f"\n{len(rows)} wrong cases:",
        {v: sum(r["verdict"] == v for r in rows) for v in sorted({r["verdict"] for r in rows})},
    )
    for row in rows:
        if row["verdict"] not in ("failed", "doubtful"):
            print("  " + line(row))


def _report_pulls(rows: list[dict]) -> None:
    two = [row for row in rows if any("opposite tilt" in reason for reason in row["reasons"])]
    print(f"pulls are of one minimum: without {len(two)} cases that are doubtful because the opposite tilt is possible")
    rows = [row for row in rows if row not in two]
    for name in PARAMETERS:
        z = np.array([row["pulls"][name] for row in rows if name in row.get("pulls", {})])
        if z.size > 2:
            robust = np.median(np.abs(z)) / 0.6745
            print(
                f"pull of {name + ':':<6} mean {z.mean():+.2f}, width {z.std():.2f} (median {robust:.2f}, "
                f"beyond 3: {100 * np.mean(np.abs(z) > 3):.1f} %), {z.size} cases"
            )


def main() -> None:
    """Run from a shell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=("calibrate", "recalibrate", "report"))
    parser.add_argument("n", type=int, nargs="?", default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--case", type=int)
    parser.add_argument("--file", type=Path, default=Path("calibration_campaign.jsonl"))
    parser.add_argument("--wrong", action="store_true", help="tell it a wrong calibrant or wavelength")
    parser.add_argument("--largest", type=int, default=MOST_PIXELS, help="most pixels of a detector")
    options = parser.parse_args()
    if options.mode == "report":
        return report(read(options.file))
    if options.case is not None:
        return tell(draw(options.case, largest=options.largest), options.mode, wrong=options.wrong)
    seeds = range(options.first, options.first + options.n)
    campaign(options.mode, seeds, options.file, largest=options.largest, wrong=options.wrong)
    mode = options.mode + " wrong" * options.wrong
    report([row for row in read(options.file) if row["mode"] == mode and row["seed"] in seeds])
    return None


def tell(case: Case, mode: str, *, wrong: bool = False) -> None:
    """Print one case in full."""
    print(case.instrument.describe(), "\n", asdict(case.look), "\n", case.facts, sep="")
    print(line(run(case, mode, wrong=wrong)))
    made = calibrant_image(case.instrument, az.calibrant(case.calibrant), case.look, seed=case.seed)
    print(*made.rings, sep="\n")
    found = _calibrated(case, made, mode, _wrongly_told(case) if wrong else (made.calibrant, 1.0))
    print(found.summary())
    if found.refinement is not None:
        print(_compared(case.instrument, found))
        print(*found.ring_deviations, sep="\n")


if __name__ == "__main__":
    main()
