# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The survey of a batch, and reading ahead."""

import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, FileMissingError, ParameterError, ShapeError
from azimuthal.pipelines.inputs import (
    FrameFailure,
    SurveyFrames,
    frame_fields,
    pixel_mask_of,
    plain_path,
    survey_files,
    with_shape,
)


@pytest.fixture
def files(folder, frames):
    """A stack of three frames and an image."""
    np.save("stack.npy", frames[:3])
    np.save("image.npy", frames[3])
    return ["stack.npy", "image.npy"]


def test_survey_counts_frames_and_tells_of_every_file(files):
    told = []
    survey = survey_files(files, looked_at=lambda done, total: told.append((done, total)))
    assert [(file.name, file.n_frames, file.shape, file.dtype) for file in survey.files] == [
        ("stack", 3, (48, 60), "uint16"),
        ("image", 1, (48, 60), "uint16"),
    ]
    assert survey.n_frames == 4
    assert survey.failures == ()
    assert told == [(1, 2), (2, 2)]


def test_survey_damaged_file_is_a_failure_and_the_others_stay(files):
    Path("bad.npy").write_bytes(b"\x93NUMPY but no more")
    survey = survey_files([files[0], "bad.npy", files[1]])
    assert [file.path for file in survey.files] == files
    (failure,) = survey.failures
    assert failure.name == "bad.npy"
    assert failure.n_frames is None


def test_survey_without_a_readable_file_raises_the_first_reason(folder):
    for name in ("a.npy", "b.npy"):
        Path(name).write_bytes(b"\x93NUMPY but no more")
    with pytest.raises(FileFormatError, match=r"a\.npy") as caught:
        survey_files(["a.npy", "b.npy"])
    assert caught.value.__notes__ == ["None of the 2 files can be opened; this is the first."]


def test_survey_missing_file_raises_before_anything_is_opened(files):
    with pytest.raises(FileMissingError, match="gone"):
        survey_files([*files, "gone.npy"])


def test_survey_of_nothing_raises():
    with pytest.raises(ParameterError, match="at least one file"):
        survey_files([])


def test_survey_same_file_by_two_names_raises(files, folder):
    with pytest.raises(ParameterError, match="given twice"):
        survey_files([files[0], str(folder / files[0])])


def test_survey_two_datasets_of_one_file_are_two_inputs(folder, frames):
    with h5py.File("two.h5", "w") as file:
        file["a"], file["b"] = frames[:2], frames[2:]
    survey = survey_files(["two.h5::/a", "two.h5::/b"])
    assert [file.n_frames for file in survey.files] == [2, 3]
    with pytest.raises(ParameterError, match="given twice"):
        survey_files(["two.h5::/a", "two.h5::/a"])


def test_survey_eiger_master_with_its_data_files_raises(folder, frames):
    with h5py.File("x_data_000001.h5", "w") as file:
        file["entry/data/data"] = frames
    with h5py.File("x_master.h5", "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("x_data_000001.h5", "/entry/data/data")
    with pytest.raises(ParameterError, match="count twice"):
        survey_files(["*.h5"])
    assert survey_files(["x_master.h5"]).n_frames == 5


def test_with_shape_moves_misfits_to_the_failures(files):
    np.save("wide.npy", np.zeros((60, 48), np.uint16))
    survey = with_shape(survey_files([*files, "wide.npy"]), (48, 60))
    assert [file.path for file in survey.files] == files
    assert "rows and columns are exchanged" in survey.failures[0].reason
    assert survey.failures[0].n_frames == 1
    with pytest.raises(ShapeError, match=r"stack\.npy: expected frames of \(1, 2\) pixels"):
        with_shape(survey, (1, 2))


def test_frame_fields_name_every_frame_as_its_source_does(files):
    survey = survey_files(files)
    fields = list(frame_fields(survey))
    labels = [
        frames.label(index) for path in files for frames in [az.open_frames(path)] for index in range(len(frames))
    ]
    assert [record["label"] for record in fields] == labels
    assert [record["index"] for record in fields] == [0, 1, 2, 3]
    assert [record["frame"] for record in fields] == [0, 1, 2, 0]
    assert [record["file"] for record in fields] == ["stack.npy"] * 3 + ["image.npy"]


def outcomes(survey, ai, **options):
    """What becomes of every frame: the sum of its signal, a failure, or None for a failure that was told before."""
    frames = SurveyFrames(survey)
    results = ai.plan1d(40, unit="2th_deg", split="none").map(frames, on_error="yield", **options)
    return [
        frames.failure(number, result) if isinstance(result, Exception) else result
        for number, result in enumerate(results)
    ]


def test_survey_frames_come_in_order_with_their_metadata(files, frames, ai):
    survey = survey_files(files)
    with SurveyFrames(survey) as source:
        assert len(source) == 4
        for number in (0, 3, 2, 1):
            np.testing.assert_array_equal(source.read(number), frames[number])
    results = outcomes(survey, ai)
    assert [result.metadata for result in results] == list(frame_fields(survey))
    for result, frame in zip(results, frames[:4], strict=True):
        assert (
            result.sum_signal.tobytes() == ai.integrate1d(frame, 40, unit="2th_deg", split="none").sum_signal.tobytes()
        )


def test_survey_frames_types_may_differ_from_file_to_file(folder, frames, ai):
    np.save("a.npy", frames[0])
    np.save("b.npy", frames[1].astype(np.float32))
    with h5py.File("c.h5", "w") as file:
        file.create_dataset("x", data=frames[2:].astype(np.uint32), chunks=(1, 48, 60))
    results = outcomes(survey_files(["a.npy", "b.npy", "c.h5"]), ai)
    assert [result.provenance["decoder"].partition(",")[0] for result in results] == [
        "npy", "npy", *["azimuthal: none"] * 3
    ]  # fmt: skip
    for result, frame in zip(results, frames, strict=True):
        np.testing.assert_allclose(
            result.sum_signal.sum(), ai.integrate1d(frame, 40, unit="2th_deg", split="none").sum_signal.sum()
        )


def test_survey_frames_file_that_changed_is_one_failure_for_all_its_frames(files, frames, ai):
    survey = survey_files(files)
    np.save("stack.npy", frames[:2])
    first, *others, last = outcomes(survey, ai)
    assert first.name == "stack.npy"
    assert first.n_frames == 3
    assert "held 3 frames of (48, 60) when it was looked at, now 2" in first.reason
    assert others == [None, None]
    assert last.metadata["index"] == 3


def test_survey_frames_file_that_went_away_is_a_failure(files, ai):
    survey = survey_files(files)
    Path("image.npy").unlink()
    assert outcomes(survey, ai)[-1] == FrameFailure("image.npy", "image.npy: this file does not exist.", 1)


def test_survey_frames_file_that_goes_away_later_loses_the_frames_from_there_on(folder, frames):
    names = [f"{number}.npy" for number in range(20)]
    np.save("stack.npy", frames)
    for name in names:
        np.save(name, frames[0])
    with SurveyFrames(survey_files(["stack.npy", *names])) as source:
        source.read(0)
        source.read(1)
        Path("stack.npy").unlink()
        for number in range(5, 20):  # so that the stack is closed meanwhile
            source.read(number)
        errors = []
        for number in (2, 3, 4):
            with pytest.raises(FileMissingError) as caught:
                source.read(number)
            errors.append(caught.value)
        failures = [source.failure(number, error) for number, error in zip((2, 3, 4), errors, strict=True)]
    assert failures == [FrameFailure("stack.npy", "stack.npy: this file does not exist.", 3), None, None]


def test_survey_frames_unexpected_error_in_the_reader_is_raised(files, monkeypatch, ai):
    from azimuthal.pipelines import inputs

    def broken(*_arguments):
        raise ZeroDivisionError("a bug")

    survey = survey_files(files)
    monkeypatch.setattr(inputs, "open_frames", broken)
    with pytest.raises(ZeroDivisionError):
        outcomes(survey, ai)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("azimuthal")]


@pytest.mark.parametrize(
    ("text", "file"),
    [("a.tif", "a.tif"), ("d/a.h5::/entry/data", "d/a.h5"), ("a.h5::", "a.h5")],
)
def test_plain_path_leaves_out_the_dataset(text, file):
    assert plain_path(text) == Path(file)


def test_plain_path_of_a_file_with_colons_in_its_name_is_that_file(folder):
    Path("a::b").touch()
    assert plain_path("a::b") == Path("a::b")


def test_pixel_mask_of_file_is_true_where_any_bit_is_set(folder, frames):
    with h5py.File("s.h5", "w") as file:
        file["entry/data/data"] = frames
        mask = np.zeros((48, 60), np.uint32)
        mask[1, 2] = 4
        file["entry/instrument/detector/pixel_mask"] = mask
    assert survey_files(["s.h5"]).files[0].has_pixel_mask
    np.testing.assert_array_equal(pixel_mask_of("s.h5"), mask != 0)
