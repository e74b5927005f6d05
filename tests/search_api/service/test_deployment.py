"""`examples/deployment`: settings, files and figures that it names exist."""

from __future__ import annotations

import json
import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml
from fastapi.testclient import TestClient

from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.settings import Settings

ROOT = Path(__file__).parents[3]
KIT = ROOT / "examples/deployment"


@pytest.fixture(scope="module")
def measured(colour_engine: Engine) -> set[str]:
    """Names of what a service with some traffic measures."""
    with TestClient(create_app(colour_engine, Settings())) as http:
        http.get("/v1/search", params={"q": "red"})
        samples = http.get("/metrics").text
    return set(re.findall(r"^(lookalike_\w+)", samples, re.MULTILINE))


def named(text: str) -> set[str]:
    return set(re.findall(r"\blookalike_\w+", text))


def test_panels_show_what_is_measured(measured: set[str]) -> None:
    panels = json.loads((KIT / "monitoring/dashboard.json").read_text())["panels"]
    for panel in panels:
        for target in panel["targets"]:
            names = named(target["expr"])
            assert names
            assert names <= measured, panel["title"]


def test_alerts_watch_what_is_measured(measured: set[str]) -> None:
    (group,) = yaml.safe_load((KIT / "monitoring/alerts.yaml").read_text())["groups"]
    assert set.union(*(named(rule["expr"]) for rule in group["rules"])) <= measured


def test_the_image_holds_every_package() -> None:
    text = (KIT / "Dockerfile").read_text()
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.rstrip("*") for name in packages} <= copied


def test_the_files_of_the_other_containers_are_there() -> None:
    compose = yaml.safe_load((KIT / "compose.yaml").read_text())
    for name in ("prometheus", "grafana"):
        for volume in compose["services"][name]["volumes"]:
            assert (KIT / volume.split(":")[0]).is_file(), volume
    assert (KIT / compose["services"]["lookalike"]["build"]["context"]).resolve() == ROOT


def test_the_unit_starts_the_service() -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(KIT / "lookalike.service")
    assert "lookalike serve --index" in unit["Service"]["ExecStart"]
    assert unit["Service"]["ProtectSystem"] == "strict"
