"""docker-compose.yml and k8s/ match their schemas, the roles of run.py and the settings.

These checks need no container engine; `tests/distributed/test_image.py` runs the commands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from ocpp_server.environment import docs, env, roles, table
from tests.servers import ROOT

SCHEMA = Path(__file__).parent / "schemas" / "compose-spec.json"
COMPOSE = ROOT / "docker-compose.yml"
ROLES = {role.value for role in roles.ROLES} - {"server"}
KUBERNETES = "1.31"
_NAMES = {row.name for row in table.VARIABLES}
SECRETS = {name for name in _NAMES if re.search("PASSWORD|SECRET_KEY|API_KEY$", name)}
_REFERENCE = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The parsed file, with references to variables as plain text."""
    written: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return written


def services_of_run(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the services that run `run.py`, without the engines."""
    services = compose["services"].items()
    return {name: service for name, service in services if "run.py" in str(service.get("command"))}


def test_the_compose_file_matches_the_specification(compose: dict[str, Any]) -> None:
    given = _REFERENCE.sub(lambda found: found[3] if found[2] == "-" else "given", COMPOSE.read_text())

    jsonschema.Draft201909Validator(json.loads(SCHEMA.read_text())).validate(yaml.safe_load(given))


def test_the_compose_file_has_every_role_behind_healthy_engines_and_a_migration(
    compose: dict[str, Any],
) -> None:
    services = services_of_run(compose)

    assert services.keys() == ROLES | {"migrate"}
    for name, service in services.items():
        assert service["command"] == ["python", "run.py", name]
        assert service["user"] == "10001" and service["read_only"] is True
        needs = {other: need["condition"] for other, need in service["depends_on"].items()}
        engines = {"postgres": "service_healthy"}
        if name != "migrate":
            engines |= {"redis": "service_healthy", "migrate": "service_completed_successfully"}
        assert needs == engines
    assert all("healthcheck" in compose["services"][engine] for engine in ("redis", "postgres"))


def test_the_compose_file_contains_no_secret_and_names_a_missing_one(
    compose: dict[str, Any],
) -> None:
    references = _REFERENCE.findall(COMPOSE.read_text())

    required = {name: sentence for name, kind, sentence in references if kind == "?"}
    assert required.keys() == {
        "REDIS_PASSWORD",
        "POSTGRES_PASSWORD",
        "SECRET_KEY",
        "DJANGO_SUPERUSER_PASSWORD",
    }
    assert all(name in sentence and sentence.endswith(".") for name, sentence in required.items())
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|AUTH|KEY", name):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?.*\}", value), name
    example = docs.EXAMPLE.read_text()
    assert all(f"#{name}=" in example for name, _, _ in references)


def test_the_compose_file_stops_processes_only_after_their_grace_period(compose: dict[str, Any]) -> None:
    grace = env.read({})["SHUTDOWN_GRACE"]

    assert all(
        int(service["stop_grace_period"].removesuffix("s")) > grace + 5
        for service in services_of_run(compose).values()
    )


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((ROOT / "k8s").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path.name, document


MANIFESTS = list(manifests())
WORKLOADS = {
    document["metadata"]["name"]: document
    for _, document in MANIFESTS
    if document["kind"] in ("Deployment", "Job")
}


@pytest.mark.parametrize(
    ("file", "document"), MANIFESTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_manifest_matches_the_schema_of_kubernetes(file: str, document: dict[str, Any]) -> None:
    if (
        document["kind"] == "Kustomization"
    ):  # only kubectl reads this kind, so Kubernetes has no schema for it
        assert set(document["resources"]) == {path.name for path in (ROOT / "k8s").glob("*.yaml")} - {file}
        return
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_the_manifests_have_every_role_and_one_migration() -> None:
    assert WORKLOADS.keys() == ROLES | {"migrate"}
    assert WORKLOADS["migrate"]["kind"] == "Job"
    scaled = {document["metadata"]["name"] for _, document in MANIFESTS if "Autoscaler" in document["kind"]}
    guarded = {document["metadata"]["name"] for _, document in MANIFESTS if "Disruption" in document["kind"]}
    assert scaled == guarded == {"web", "gateway", "processor"}
    assert {document["metadata"]["name"] for _, document in MANIFESTS if document["kind"] == "Service"} == {
        role.value for role in roles.ROLES if roles.ROLES[role].port and role.value in ROLES
    }


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_a_pod_has_no_rights_it_does_not_need(name: str) -> None:
    pod = WORKLOADS[name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert container["command"] == ["python", "run.py", name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {"requests", "limits"} <= container["resources"].keys()
    valued = {variable["name"] for variable in container.get("env", ()) if "value" in variable}
    assert valued <= {"TMPDIR"}  # settings are in the ConfigMap and the Secret
    if name == "migrate":
        return
    assert container["readinessProbe"]["exec"]["command"] == ["python", "run.py", "healthcheck", "--ready"]
    assert container["livenessProbe"]["exec"]["command"] == ["python", "run.py", "healthcheck"]


def test_kubernetes_stops_pods_only_after_their_grace_period() -> None:
    (settings,) = (document["data"] for _, document in MANIFESTS if document["kind"] == "ConfigMap")
    grace = env.read(settings)["SHUTDOWN_GRACE"]

    for name, workload in WORKLOADS.items():
        if name != "migrate":
            assert workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > grace + 5 + 5
    assert not SECRETS & settings.keys()
