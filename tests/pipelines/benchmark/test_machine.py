# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a benchmark ran on."""

import json

import numpy as np

import azimuthal as az
from azimuthal.engines import native
from azimuthal.pipelines.benchmark import machine
from azimuthal.pipelines.benchmark.machine import machine_facts, missing_peers, package_versions


def test_machine_facts_are_plain_and_name_the_instructions_in_use(monkeypatch):
    facts = machine_facts()
    assert facts["processor"]
    assert facts["cores"] >= 1
    assert json.loads(json.dumps(facts)) == facts
    monkeypatch.setenv(native.INSTRUCTIONS_VARIABLE, "baseline")
    assert machine_facts()["instructions"] == "baseline"


def test_machine_facts_where_linux_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "Path", lambda _: tmp_path / "absent")
    assert machine_facts()["processor"]
    assert machine_facts()["instruction_sets"] == []


def test_package_versions_are_those_that_are_imported():
    versions = package_versions()
    assert versions["azimuthal"] == az.__version__
    assert versions["numpy"] == np.__version__


def test_missing_peers_name_the_command_that_installs_them(monkeypatch):
    monkeypatch.setattr(machine, "installed_version", lambda one: None)
    assert missing_peers()["pyFAI"] == "pip install pyFAI"
    assert all(how.startswith("pip install") for how in missing_peers().values())
