# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Mutated and truncated files of facilities and masks: the right result or an error of this package, nothing else.

A change that a format cannot notice (a flipped pixel) gives another result of the right shape; that is no silent loss.
What must never happen: another exception, a hang, zeros where the file has no data.
"""

import contextlib

import fabio
import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import AzimuthalError
from azimuthal.io import load_mask, save_mask, save_mask_description
from azimuthal.io.frames import open_frames
from azimuthal.masks.description import MaskDescription, MaskStep

FRAMES = 1 + (np.arange(3 * 20 * 24, dtype=np.uint16).reshape(3, 20, 24) * 7919) % 5000
MASK = np.random.default_rng(1).random((20, 24)) < 0.3


def write_virtual(path):
    with h5py.File(path, "w") as file:
        for number, frame in enumerate(FRAMES):
            file.create_dataset(f"part_{number}", data=frame[np.newaxis], chunks=(1, 20, 24), **hdf5plugin.Bitshuffle())
        layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
        for number in range(3):
            layout[number] = h5py.VirtualSource(".", f"part_{number}", (1, 20, 24), FRAMES.dtype)[0]
        group = file.create_group("entry/data")
        group.attrs["signal"] = np.bytes_("data")
        group.create_virtual_dataset("data", layout)


def write_scan(path):
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry["data/data"] = FRAMES.reshape(3, 1, 20, 24)
        entry["data"].attrs["axes"] = np.array([b"y", b"channel", b".", b"."])
        entry["data/channel"] = np.array([b"threshold_1"])
        detector = entry.create_group("instrument/detector")
        detector["threshold_1_channel/pixel_mask"] = MASK.astype(np.uint32)
        detector["threshold_1_channel/threshold_energy"] = 5000.0
        monitor = entry.create_group("control")
        monitor.attrs["NX_class"] = np.bytes_("NXmonitor")
        monitor["data"] = np.arange(3.0)
        entry["sample/transformations/omega"] = np.arange(3.0)


DESCRIPTION = MaskDescription(
    (
        MaskStep("polygon", {"points": [[1, 1], [1, 9], [12.5, 4]]}),
        MaskStep("rectangle", {"rows": [3, 8], "columns": [10, 20]}, note="beam stop"),
        MaskStep("circle", {"center": [10, 10], "radius": 4}, action="include"),
    )
)

FRAME_FILES = {
    "virtual.h5": write_virtual,
    "scan.h5": write_scan,
    "a.npy": lambda path: np.save(path, FRAMES),
    "a.edf": lambda path: fabio.edfimage.EdfImage(data=FRAMES[0]).write(str(path)),
}
MASK_FILES = {
    "m.toml": lambda path: save_mask_description(DESCRIPTION, path),
    "m.json": lambda path: save_mask_description(DESCRIPTION, path),
    **{f"m{suffix}": lambda path: save_mask(MASK, path) for suffix in (".msk", ".npz", ".h5", ".mask", ".edf")},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for name, write in (FRAME_FILES | MASK_FILES).items():
        write(folder / name)
    return {name: (folder / name).read_bytes() for name in FRAME_FILES | MASK_FILES}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


def damaged(data, content):
    """Return the content with some bytes changed, cut, repeated or lost."""
    changed = bytearray(content)
    kind = data.draw(st.sampled_from(["flip", "head", "cut", "lose", "fill"]))
    place = data.draw(st.integers(0, len(changed) - 1))
    if kind in ("flip", "head"):
        for _ in range(data.draw(st.integers(1, 4))):
            where = data.draw(st.integers(0, min(len(changed), 600 if kind == "head" else 1 << 30) - 1))
            changed[where] = data.draw(st.integers(0, 255))
    elif kind == "cut":
        del changed[place:]
    elif kind == "lose":
        del changed[place : place + data.draw(st.integers(1, 64))]
    else:
        stop = min(len(changed), place + data.draw(st.integers(1, 64)))
        changed[place:stop] = bytes([data.draw(st.sampled_from([0, 255]))]) * (stop - place)
    return bytes(changed)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FRAME_FILES)
@settings(max_examples=40)
@given(data=st.data())
def test_damaged_frames_are_an_error_or_frames(whole, scratch, name, data):
    path = scratch / name
    path.write_bytes(damaged(data, whole[name]))
    with contextlib.suppress(AzimuthalError), open_frames(path) as frames:
        for index in range(min(len(frames), 8)):
            with contextlib.suppress(AzimuthalError):
                frame = frames.read(index)
                assert frame.shape == frames.shape
                # a lost frame would read as fill values everywhere
                assert frame.any() or frame.size < 480 or name.endswith((".npy", ".edf"))
                frames.result_metadata(index)
        frames.read_mask()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MASK_FILES)
@settings(max_examples=40)
@given(data=st.data())
def test_damaged_masks_are_an_error_or_a_mask(whole, scratch, name, data):
    path = scratch / name
    path.write_bytes(damaged(data, whole[name]))
    with contextlib.suppress(AzimuthalError):
        found = load_mask(path, shape=MASK.shape)
        assert found.shape == MASK.shape
        assert found.dtype == np.bool_


@settings(max_examples=200)
@given(
    text=st.text("azmutl:[]?=&/., 0123456789-+*_%\\\0", max_size=40).map(lambda text: f"gone{text}")
    | st.builds(
        "{}:{}?{}={}".format,
        st.sampled_from(["raw", "silx", "fabio"]),
        st.text(max_size=9),
        st.text(max_size=6),
        st.text(max_size=6),
    )
)
def test_addresses_of_nothing_are_refused(text):
    with pytest.raises(AzimuthalError):
        open_frames(text)
