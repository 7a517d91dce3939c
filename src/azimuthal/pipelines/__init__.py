# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From files to files: batches of images, the demonstration, descriptions of files.

``integrate_batch(BatchSettings(...))`` is what ``azimuthal integrate`` runs.
"""

from azimuthal.pipelines.batch import Batch, integrate_batch, prepare_batch
from azimuthal.pipelines.batch_run import BatchSummary
from azimuthal.pipelines.description import Description, describe
from azimuthal.pipelines.dioptas_project import convert_dioptas, read_dioptas
from azimuthal.pipelines.inputs import FrameFailure
from azimuthal.pipelines.pyfai_config import convert_pyfai, recipe_from_pyfai
from azimuthal.pipelines.recipe import read_recipe, recipe_document, settings_of, write_recipe
from azimuthal.pipelines.recipe_import import convert_recipe
from azimuthal.pipelines.rerun import prepare_rerun
from azimuthal.pipelines.settings import BatchSettings

__all__ = [
    "Batch",
    "BatchSettings",
    "BatchSummary",
    "Description",
    "FrameFailure",
    "convert_dioptas",
    "convert_pyfai",
    "convert_recipe",
    "describe",
    "integrate_batch",
    "prepare_batch",
    "prepare_rerun",
    "read_dioptas",
    "read_recipe",
    "recipe_document",
    "recipe_from_pyfai",
    "settings_of",
    "write_recipe",
]
