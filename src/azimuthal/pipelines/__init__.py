# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From files to files: batches of images, the demonstration, descriptions of files.

``integrate_batch(BatchSettings(...))`` is what ``azimuthal integrate`` runs.
"""

from azimuthal.pipelines.batch import Batch, BatchSummary, integrate_batch, prepare_batch
from azimuthal.pipelines.description import Description, describe
from azimuthal.pipelines.inputs import FrameFailure
from azimuthal.pipelines.settings import BatchSettings

__all__ = [
    "Batch",
    "BatchSettings",
    "BatchSummary",
    "Description",
    "FrameFailure",
    "describe",
    "integrate_batch",
    "prepare_batch",
]
