"""The seed of the suite: the same one sends the same and says the same, wherever it runs."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import configuration, given, settings
from hypothesis.internal.conjecture import providers
from infobip_sms_conformance.cli import cli
from infobip_sms_conformance.contract import codec, files, hypothesis_backend, strategies
from infobip_sms_conformance.contract.generated import DEFAULT_SEED
from infobip_sms_conformance.session import plan
from lxml import etree

COUNT = plan.PROFILES["full"].generated
PROGRAM = """
import hashlib, json, {modules}
from infobip_sms_conformance.contract import strategies
found = json.dumps(strategies.build_requests({count}, {seed}))
print(hashlib.sha256(found.encode()).hexdigest())
"""


def draw(seed: int, modules: str = "sys") -> str:
    """Return a digest of the requests that another process generates."""
    program = PROGRAM.format(modules=modules, count=COUNT, seed=seed)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def digest(seed: int) -> str:
    """Return a digest of the requests that this process generates."""
    found = json.dumps(strategies.build_requests(COUNT, seed))
    return hashlib.sha256(found.encode()).hexdigest()


def test_same_seed_same_requests() -> None:
    """Another process, and one with other modules loaded, generates what this one does."""
    assert (
        draw(DEFAULT_SEED)
        == draw(DEFAULT_SEED, "infobip_sms.sandbox.api.app")
        == digest(DEFAULT_SEED)
    )


def test_another_seed_other_requests() -> None:
    """Five seeds give five different sets of requests, all with every field of the contract."""
    members = strategies.get_field_paths(files.read_example("every-member-request"))
    seeds = range(1, 6)

    assert len({digest(seed) for seed in seeds}) == len(seeds)
    for seed in seeds:
        found = strategies.get_field_paths(list(strategies.build_requests(COUNT, seed)))
        assert found == members


def test_default_seed_is_fixed_and_random_is_not() -> None:
    """Without --seed every run has the same; random draws a new one."""
    server = cli.commands["server"]
    drawn = {server.make_context("", ["--seed", "random"]).params["seed"] for _ in range(5)}

    assert server.make_context("", []).params["seed"] in {None, DEFAULT_SEED}
    assert len(drawn) > 1


STRATEGIES = {
    "SmsRequest": strategies.requests,
    "SmsResponse": strategies.responses,
    "DeliveryReports": strategies.delivery_reports,
}
XSD = etree.XMLSchema(etree.parse(files.get_data_folder() / "sms.xsd"))


@pytest.mark.parametrize("component", STRATEGIES)
def test_public_strategies_keep_to_both_schemas(component: str) -> None:
    """What requests(), responses() and delivery_reports() give is valid JSON and valid XML of the contract."""
    schema = {
        "$ref": f"#/components/schemas/{component}",
        "components": files.read_openapi()["components"],
    }
    validator = jsonschema.Draft202012Validator(schema)

    @settings(max_examples=40, deadline=None, database=None)
    @given(STRATEGIES[component]())
    def check(document: object) -> None:
        assert not list(validator.iter_errors(document))
        XSD.assertValid(etree.fromstring(codec.dump(document, "xml", component)))

    check()


@pytest.mark.parametrize("name", ["HypothesisProvider", "AVAILABLE_PROVIDERS"])
def test_backend_is_hypothesis_where_its_names_moved(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Without what the backend rests on, requests are generated with the public interface alone."""
    monkeypatch.delattr(providers, name)

    assert hypothesis_backend.build_provider() is None


@pytest.mark.parametrize("name", ["storage_directory", "set_hypothesis_home_dir"])
def test_storage_is_isolated_by_the_documented_variable_where_names_moved(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The folder of Hypothesis is a temporary one inside the block, and the user's after it."""
    monkeypatch.delattr(configuration, name)
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", "of-the-user")

    with hypothesis_backend.isolate_storage():
        assert Path(os.environ["HYPOTHESIS_STORAGE_DIRECTORY"]).is_dir()
    assert os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] == "of-the-user"
