"""The seed of the suite: the same one sends the same and says the same, wherever it runs."""

import hashlib
import json
import subprocess
import sys

import jsonschema
import pytest
from hypothesis import given, settings
from infobip_sms_conformance.cli import cli
from infobip_sms_conformance.contract import codec, files, strategies
from infobip_sms_conformance.contract.hypothesis_backend import DEFAULT_SEED
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
