# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One small file (or a few that belong together) of every format that is read, and what reads it.

No frame here has a pixel that is zero, so that a frame of zeros can only come from data that were lost.
"""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fabio
import h5py
import hdf5plugin
import numpy as np
import tifffile

import azimuthal as az
from azimuthal.errors import AzimuthalError, FileFormatError
from azimuthal.io import load_mask, load_plan, load_result, load_sparse, save, save_mask, save_mask_description
from azimuthal.io.detector_files import load_detector, save_detector
from azimuthal.io.frames import open_frames
from azimuthal.io.geometry_files import load_instrument, save_instrument
from azimuthal.io.goniometer_files import load_goniometer
from azimuthal.masks.description import MaskDescription, MaskStep
from azimuthal.pipelines.pyfai_config import recipe_from_pyfai
from azimuthal.pipelines.recipe import read_recipe, write_recipe
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.results import ResultSet
from azimuthal.testing.results import example_cake, example_profile
from azimuthal.testing.shared_data import shared_path

SHAPE = (20, 24)
FRAMES = 1 + (np.arange(3 * 20 * 24, dtype=np.int32).reshape(3, 20, 24) * 7919) % 5000
MASK = np.random.default_rng(1).random(SHAPE) < 0.3
CAMERA = az.Detector(pixel1=1e-4, pixel2=1e-4, shape=SHAPE)
INSTRUMENT = az.Instrument(CAMERA, az.Pose(0.1, 0.001, 0.0012, 0.1, -0.05, 0.2), az.Beam(1e-10))

#: Largest number of frames that are read from one file.
N_FRAMES = 12


class WrongResultError(Exception):
    """A reader returned what its file cannot have meant."""


@dataclass(frozen=True)
class Sample:
    """How a file is made, and how it is read.

    Parameters
    ----------
    files:
        Names; the first one is opened, any of them may be damaged.
    make:
        Writes them into a folder.
    read:
        Reads the first one; raises `WrongResultError` where the result is no result.
    is_text:
        Whether damage to numbers and lines is worth while.
    """

    files: tuple[str, ...]
    make: Callable[[Path], Any]
    read: Callable[[Path], Any]
    is_text: bool = False


# ---- frames ------------------------------------------------------------------------------------------------


def read_frames(path: Any) -> list[Any]:
    found = []
    with open_frames(path) as frames:
        json.dumps(frames.metadata)
        mask = frames.read_mask()
        if mask is not None and (mask.shape != frames.shape or mask.dtype != np.bool_):
            raise WrongResultError(f"mask of {mask.shape} {mask.dtype} for frames of {frames.shape}")
        refusals = []
        for index in range(min(len(frames), N_FRAMES)):
            try:
                frame = frames.read(index)
            except AzimuthalError as error:
                refusals.append(error)
                continue
            if frame.shape != frames.shape or frame.dtype != frames.dtype:
                raise WrongResultError(f"frame of {frame.shape} {frame.dtype}, expected {frames.shape} {frames.dtype}")
            found.append(frame)
            json.dumps(frames.result_metadata(index))
        if refusals and not found:
            raise refusals[0]
    return found


def hdf5(dtype="i4", **options):
    options = {"chunks": (1, *SHAPE)} | options

    def write(folder):
        with h5py.File(folder / "a.h5", "w") as file:
            group = file.create_group("entry/data")
            group.attrs["signal"] = np.bytes_("data")
            group.create_dataset("data", data=FRAMES.astype(dtype), **options)
            detector = file.create_group("entry/instrument/detector")
            detector["pixel_mask"] = np.zeros(SHAPE, np.uint32)
            detector["x_pixel_size"] = 1e-4
            detector["x_pixel_size"].attrs["units"] = np.bytes_("m")

    return write


def virtual(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        for number, frame in enumerate(FRAMES):
            file.create_dataset(f"part_{number}", data=frame[np.newaxis], chunks=(1, *SHAPE), **hdf5plugin.Bitshuffle())
        layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
        for number in range(3):
            layout[number] = h5py.VirtualSource(".", f"part_{number}", (1, *SHAPE), FRAMES.dtype)[0]
        group = file.create_group("entry/data")
        group.attrs["signal"] = np.bytes_("data")
        group.create_virtual_dataset("data", layout)


def scan(folder):
    """Write a scan with a monitor, motors, texts of variable length and a channel."""
    with h5py.File(folder / "a.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["data/data"] = FRAMES.reshape(3, 1, *SHAPE)
        entry["data"].attrs["axes"] = np.array([b"y", b"channel", b".", b"."])
        entry["data/channel"] = np.array([b"threshold_1"])
        detector = entry.create_group("instrument/detector")
        detector["description"] = "a detector of variable length"
        detector["threshold_1_channel/pixel_mask"] = MASK.astype(np.uint32)
        detector["threshold_1_channel/threshold_energy"] = 5000.0
        monitor = entry.create_group("control")
        monitor.attrs["NX_class"] = np.bytes_("NXmonitor")
        monitor["data"] = np.arange(3.0)
        entry["sample/transformations/omega"] = np.arange(3.0)


def eiger(folder):
    with h5py.File(folder / "e_data_000001.h5", "w") as file:
        options = dict(hdf5plugin.Bitshuffle()) | {"chunks": (1, *SHAPE)}
        file.create_dataset("entry/data/data", data=FRAMES.astype(np.uint32), **options)
    with h5py.File(folder / "e_master.h5", "w") as file:
        data = file.create_group("entry/data")
        data["data_000001"] = h5py.ExternalLink("e_data_000001.h5", "/entry/data/data")
        specific = file.create_group("entry/instrument/detector/detectorSpecific")
        specific["pixel_mask"] = np.zeros(SHAPE, np.uint32)
        specific["nimages"], specific["ntrigger"] = 3, 1


def lima(folder):
    """Write a virtual dataset over another file."""
    with h5py.File(folder / "lima_0000.h5", "w") as file:
        options = dict(hdf5plugin.Bitshuffle()) | {"chunks": (1, *SHAPE)}
        file.create_dataset("entry_0000/measurement/data", data=FRAMES, **options)
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    layout[:] = h5py.VirtualSource("lima_0000.h5", "entry_0000/measurement/data", FRAMES.shape, FRAMES.dtype)
    with h5py.File(folder / "scan.h5", "w") as file:
        group = file.create_group("1.1/measurement")
        group.create_virtual_dataset("p3", layout)


def edf(folder):
    image = fabio.edfimage.EdfImage(data=FRAMES[0], header={"motor": "1"})
    for frame in FRAMES[1:]:
        image.append_frame(data=frame)
    image.write(str(folder / "a.edf"))


def gzipped(folder):
    import gzip

    edf(folder)
    (folder / "a.edf.gz").write_bytes(gzip.compress((folder / "a.edf").read_bytes()))


def tiff(**options):
    return lambda folder: tifffile.imwrite(
        folder / "a.tif", FRAMES, photometric="minisblack", description="# Pixel_size 1e-4 m x 1e-4 m", **options
    )


def cbf(folder):
    fabio.cbfimage.CbfImage(data=FRAMES[1] * 100, header={}).write(str(folder / "a.cbf"))


def frames_of(name, make, others=()):
    return Sample((name, *others), make, lambda folder: read_frames(folder / name))


def fabio_samples():
    """Yield a sample of every other format that fabio writes and can read back."""
    values = (1 + FRAMES[0][:16, :16] % 200).astype(np.uint16)
    values = np.tile(values, (8, 8))
    own = {"EdfImage", "TifImage", "CbfImage", "NumpyImage"}
    unread = {"Mar345Image", "BrukerImage", "BinaryImage", "Eiger", "EigerImage", "LimaImage", "SparseImage"}
    for cls in fabio.fabioformats.get_classes(writer=True):
        if cls.__name__ in own | unread:
            continue
        name = f"a.{(cls.DEFAULT_EXTENSIONS or ['img'])[0]}"

        def make(folder, cls=cls, name=name):
            cls(data=values).write(str(folder / name))

        yield f"fabio {cls.__name__}", frames_of(name, make)


def real_samples():
    """Yield the vendors' files that nobody here can write; they are large, and a campaign over them takes long."""
    for name in ("Cr8F8140k103.0026.bz2", "b191_1_9_1.img.bz2", "i01f0001.kcd.bz2", "oPPA_5grains_0001.tif.gz"):
        path = shared_path(f"data/formats/{name}")

        def make(folder, path=path):
            import bz2
            import gzip

            raw = (bz2 if path.suffix == ".bz2" else gzip).decompress(path.read_bytes())
            (folder / path.stem).write_bytes(raw)

        yield f"real {Path(name).stem}", frames_of(Path(name).stem, make)


RAW_URL = "raw:{}?shape=3,20,24&dtype=int32"
FRAME_SAMPLES = {
    "hdf5 plain": frames_of("a.h5", hdf5()),
    "hdf5 gzip": frames_of("a.h5", hdf5(compression="gzip", shuffle=True)),
    "hdf5 bslz4": frames_of("a.h5", hdf5("u4", **hdf5plugin.Bitshuffle())),
    "hdf5 lz4": frames_of("a.h5", hdf5("u2", **hdf5plugin.LZ4())),
    "hdf5 bszstd": frames_of("a.h5", hdf5("u2", **hdf5plugin.Bitshuffle(cname="zstd"))),
    "hdf5 zstd": frames_of("a.h5", hdf5("u2", **hdf5plugin.Zstd())),
    "hdf5 blosc": frames_of("a.h5", hdf5("u2", **hdf5plugin.Blosc())),
    "hdf5 blosc2": frames_of("a.h5", hdf5("u2", **hdf5plugin.Blosc2())),
    "hdf5 lzf fletcher": frames_of("a.h5", hdf5("u2", compression="lzf", fletcher32=True)),
    "hdf5 big chunks": frames_of("a.h5", hdf5("u4", chunks=(2, 16, 16), **hdf5plugin.Bitshuffle())),
    "hdf5 virtual": frames_of("a.h5", virtual),
    "hdf5 scan": frames_of("a.h5", scan),
    "hdf5 eiger": frames_of("e_master.h5", eiger, ("e_data_000001.h5",)),
    "hdf5 lima": frames_of("scan.h5", lima, ("lima_0000.h5",)),
    "npy": frames_of("a.npy", lambda folder: np.save(folder / "a.npy", FRAMES)),
    "raw": Sample(
        ("a.bin",),
        lambda folder: (folder / "a.bin").write_bytes(FRAMES.tobytes()),
        lambda folder: read_frames(RAW_URL.format(folder / "a.bin")),
    ),
    "cbf": frames_of("a.cbf", cbf),
    "edf": frames_of("a.edf", edf),
    "edf gz": frames_of("a.edf.gz", gzipped),
    "tiff strips": frames_of("a.tif", tiff(rowsperstrip=7, byteorder=">")),
    "tiff tiles": frames_of("a.tif", tiff(tile=(16, 16), bigtiff=True)),
    "tiff packed": frames_of("a.tif", tiff(compression="zlib", predictor=True)),
} | dict(fabio_samples())

# ---- masks -------------------------------------------------------------------------------------------------

DESCRIPTION = MaskDescription(
    (
        MaskStep("polygon", {"points": [[1, 1], [1, 9], [12.5, 4]]}),
        MaskStep("rectangle", {"rows": [3, 8], "columns": [10, 20]}, note="beam stop"),
        MaskStep("circle", {"center": [10, 10], "radius": 4}, action="include"),
    )
)


def mask_sample(name, make, *, is_text=False):
    def read(folder):
        found = load_mask(folder / name, shape=SHAPE)
        if found.shape != SHAPE or found.dtype != np.bool_:
            raise WrongResultError(f"mask of {found.shape} {found.dtype}")
        return found

    return Sample((name,), make, read, is_text)


def written_mask(suffix):
    return mask_sample(f"m{suffix}", lambda folder: save_mask(MASK, folder / f"m{suffix}"))


MASK_SAMPLES = {f"mask {suffix}": written_mask(suffix) for suffix in (".msk", ".npz", ".h5", ".mask", ".edf", ".npy")}
MASK_SAMPLES |= {
    f"mask {suffix}": mask_sample(
        f"m{suffix}", lambda folder, suffix=suffix: save_mask_description(DESCRIPTION, folder / f"m{suffix}"),
        is_text=True,
    )
    for suffix in (".toml", ".json")
}  # fmt: skip

# ---- geometries and detectors ------------------------------------------------------------------------------


def geometry_sample(name, make, *, is_text=True, **options):
    def read(folder):
        found = load_instrument(folder / name, **options)
        pose = found.pose
        if not np.isfinite([pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3]).all():
            raise WrongResultError(f"pose {pose}")
        found.detector.gap_mask()
        return found

    return Sample((name,), make, read, is_text)


def saved_geometry(name, **options):
    return geometry_sample(name, lambda folder: save_instrument(INSTRUMENT, folder / name), **options)


def copied(source, name):
    return lambda folder: (folder / name).write_bytes(shared_path(f"data/{source}").read_bytes())


GEOMETRY_SAMPLES = {
    "poni": saved_geometry("a.poni"),
    "poni 1": geometry_sample(
        "a.poni",
        copied("formats/LaB6_40keV_MarCCD.poni", "a.poni"),
        detector=az.Detector(pixel1=7.9e-5, pixel2=7.9e-5, shape=SHAPE),
    ),
    "imctrl": saved_geometry("a.imctrl"),
    "xds": saved_geometry("XDS.INP"),
    "fit2d": saved_geometry("a.fit2d", shape=SHAPE),
    "imaged11": saved_geometry("a.par", detector=CAMERA),
    "crystfel": saved_geometry("a.geom"),
    "cxi": saved_geometry("a.cxi", is_text=False, detector=CAMERA),
    "nexus geometry": saved_geometry("a.nxs", is_text=False),
    "goniometer": Sample(
        ("g.json",),
        copied("goniometer_lab6/ROBL_v1.json", "g.json"),
        lambda folder: load_goniometer(folder / "g.json"),
        True,
    ),
    "spline": Sample(
        ("a.spline",),
        copied("formats/f4mnew.spline", "a.spline"),
        lambda folder: az.detectors.load_spline(folder / "a.spline"),
        True,
    ),
}


def warped_detector(folder):
    corners = CAMERA.corners() + np.random.default_rng(2).normal(size=(*SHAPE, 4, 3)) * 1e-6
    camera = az.Detector(shape=SHAPE, pixel1=1e-4, pixel2=1e-4, layout=az.detectors.CornerArray(corners))
    save_detector(camera.with_mask(MASK), folder / "d.h5")


def read_detector(folder):
    found = load_detector(folder / "d.h5")
    if not np.isfinite(found.corners()).all():
        raise WrongResultError("corners that are not finite")
    return found


GEOMETRY_SAMPLES["nexus detector"] = Sample(("d.h5",), warped_detector, read_detector)

# ---- results, plans, peaks ---------------------------------------------------------------------------------


def read_results(path):
    results = load_result(path)
    for number in range(min(len(results), N_FRAMES)):
        result = results[number]
        for found in result.results if isinstance(result, ResultSet) else (result,):
            if found.intensity.shape != found.sums.shape:
                raise WrongResultError("intensity and sums differ in shape")
    return len(results)


def result_sample(name, results):
    return Sample((name,), lambda folder: save(results(), folder / name), lambda folder: read_results(folder / name))


def profiles():
    return [example_profile(seed=seed, metadata={"label": str(seed)}) for seed in range(4)]


def sets():
    return [ResultSet(("a", "b"), (example_profile(seed=seed), example_cake(seed=seed))) for seed in range(2)]


def peak_files(folder):
    images = np.random.default_rng(0).poisson(5, (3, 60, 50)).astype(np.uint16)
    images[:, 20:22, 30:32] += 90
    camera = az.Detector(pixel1=1e-4, pixel2=1e-4, shape=images.shape[1:])
    return az.Integrator(camera, dist=0.1, poni1=-0.002, poni2=-0.002, wavelength=1e-10).peak_finder(20), images


def cxi_peaks(folder):
    finder, images = peak_files(folder)
    finder.map(images).save(folder / "p.cxi")


def nexus_peaks(folder):
    finder, images = peak_files(folder)
    finder.map(images).save(folder / "p.nxs")


def sparse_file(folder):
    finder, images = peak_files(folder)
    az.save_sparse([finder.sparsify(image) for image in images], folder / "s.h5")


def read_sparse(folder):
    for frame in load_sparse(folder / "s.h5"):
        if frame.densify().shape != frame.layout.shape:
            raise WrongResultError("a sparse frame of another shape")


def plan_file(folder):
    az.Integrator.from_instrument(INSTRUMENT).plan1d(12, error_model="poisson").save(folder / "plan.h5")


def read_plan(folder):
    found = load_plan(folder / "plan.h5")(FRAMES[0])
    if found.intensity.shape != (found.axis.n_bins,):
        raise WrongResultError("a plan with another number of bins")


def npt_file(folder):
    points = az.ControlPoints(
        np.linspace(0, 500, 20), np.linspace(3, 400, 20), np.repeat([0, 1, 3, 7], 5), np.full(20, 0.1), np.ones(20)
    )
    points.save(folder / "a.npt", az.calibrant("LaB6"), 1e-10)


STORE_SAMPLES = {
    "result h5": result_sample("r.h5", profiles),
    "result cakes": result_sample("r.h5", lambda: [example_cake(), example_cake(seed=1)]),
    "result sets": result_sample("r.h5", sets),
    "result npz": result_sample("r.npz", profiles),
    "peaks cxi": Sample(("p.cxi",), cxi_peaks, lambda folder: az.load_peaks(folder / "p.cxi")),
    "peaks nexus": Sample(("p.nxs",), nexus_peaks, lambda folder: az.load_peaks(folder / "p.nxs")),
    "sparse": Sample(("s.h5",), sparse_file, read_sparse),
    "plan": Sample(("plan.h5",), plan_file, read_plan),
    "npt": Sample(("a.npt",), npt_file, lambda folder: az.load_control_points(folder / "a.npt"), True),
}

# ---- recipes, calibrants -----------------------------------------------------------------------------------

SETTINGS = BatchSettings(
    images=("a.h5", "b_*.tif"), geometry="geometry.poni", npt=30, unit="q_nm^-1", output="out/{stem}.h5",
    choices={"error_model": "poisson", "azimuth_range": (170.0, 190.0), "polarization_factor": 0.99},
)  # fmt: skip
PYFAI_CONFIG = {
    "application": "worker", "version": 5, "nbpt_rad": 100, "nbpt_azim": 36, "unit": ["q_nm^-1", "chi_deg"],
    "poni": {"poni_version": 2.1, "dist": 0.1, "poni1": 0.02, "poni2": 0.03, "rot1": 0.01, "rot2": -0.02, "rot3": 0.5,
             "detector": "Detector", "wavelength": 1e-10,
             "detector_config": {"pixel1": 1e-3, "pixel2": 1e-3, "max_shape": [48, 60], "orientation": 3}},
    "chi_discontinuity_at_0": True, "polarization_description": [0.9, 0], "val_dummy": -2.0, "delta_dummy": 1.5,
    "correct_solid_angle": False, "dark_current": ["dark.edf"], "mask_file": "mask.edf", "error_model": "poisson",
    "method": ["bbox", "csr", "cython"], "radial_range": [1.0, 9.0], "extra_options": {},
    "integrator_class": "AzimuthalIntegrator", "integrator_method": "integrate2d", "shape": [48, 60],
}  # fmt: skip


def read_pyfai_config(folder):
    try:
        config = json.loads((folder / "c.json").read_text(encoding="utf-8"))
    except ValueError:
        raise FileFormatError("c.json: is no JSON") from None
    if isinstance(config, dict):
        recipe_from_pyfai(config, source="c.json")


def d_file(folder):
    az.calibrant("LaB6").to_d_file(folder / "a.D", d_min=1e-10)


def read_calibrant(path):
    found = az.calibrant(path).d_spacings()
    if not np.isfinite(found).all() or (np.diff(found) >= 0).any() or (found <= 0).any():
        raise WrongResultError(f"spacings {found}")


TEXT_SAMPLES = {
    f"recipe {suffix}": Sample(
        (f"r{suffix}",),
        lambda folder, suffix=suffix: write_recipe(SETTINGS, folder / f"r{suffix}"),
        lambda folder, suffix=suffix: read_recipe(folder / f"r{suffix}"),
        True,
    )
    for suffix in (".toml", ".json")
} | {
    "pyfai json": Sample(
        ("c.json",),
        lambda folder: (folder / "c.json").write_text(json.dumps(PYFAI_CONFIG, indent=1)),
        read_pyfai_config,
        True,
    ),
    "D": Sample(("a.D",), d_file, lambda folder: read_calibrant(folder / "a.D"), True),
    "cif": Sample(
        ("a.cif",), copied("cif/LaB6_NISTSRM_660a.cif", "a.cif"), lambda folder: read_calibrant(folder / "a.cif"), True
    ),
}

SAMPLES: dict[str, Sample] = FRAME_SAMPLES | MASK_SAMPLES | GEOMETRY_SAMPLES | STORE_SAMPLES | TEXT_SAMPLES


def whole_files(sample: Sample, folder: Path) -> dict[str, bytes]:
    """Make the files of a sample, read them, and return their bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sample.make(folder)
        sample.read(folder)
    return {name: (folder / name).read_bytes() for name in sample.files}
