# ruff: noqa: D103 - the name of a test says what it asserts
"""What compose.yaml says: few rights, no secrets, everything in its order."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from combinations import COVERING, Answers, named
from conftest import Bake
from environments import environ, interpreter
from programs import program
from server import eventually, package_of, started
from test_chat import free_port, listens


def containers(service: Path) -> dict[str, Any]:
    """Return the containers of a service, by name."""
    text = (service / "compose.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


@pytest.fixture(params=COVERING, ids=named)
def compose(request: pytest.FixtureRequest, baked: Bake) -> dict[str, Any]:
    """Return what the compose file of a service holds."""
    text = (baked(**request.param) / "compose.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_every_container_has_as_few_rights_as_can_be(compose: dict[str, Any]) -> None:
    for name, container in compose["services"].items():
        assert container["read_only"] is True, name
        assert container["cap_drop"] == ["ALL"], name
        assert container["security_opt"] == ["no-new-privileges:true"], name
        # The image of the service has a user of its own.
        assert "build" in container or container["user"] not in ("", "root", "0"), name
        assert "privileged" not in container, name
    assert [name for name in compose["services"] if "ports" in compose["services"][name]] == [
        "nginx"
    ]


def test_everything_waits_for_what_it_needs(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, container in services.items():
        for needed, how in container.get("depends_on", {}).items():
            once = needed == "migrate"
            condition = "service_completed_successfully" if once else "service_healthy"
            assert how["condition"] == condition, name
            has_check = "test" in services[needed].get("healthcheck", {})
            assert once or has_check or "build" in services[needed], needed
    assert ("database" in services) == ("migrate" in services) == ("volumes" in compose)
    assert "redis" in services["app"]["depends_on"]
    assert services["nginx"]["depends_on"].keys() == {"app"}


def test_compose_asks_for_secrets_and_has_none(compose: dict[str, Any]) -> None:
    secrets = {
        name: value
        for container in compose["services"].values()
        for name, value in container.get("environment", {}).items()
        if re.search("PASSWORD|SECRET|AUTH", name)
    }
    assert {"SECRET_KEY", "REDISCLI_AUTH"} <= set(secrets)
    for name, value in secrets.items():
        assert re.fullmatch(r"\$\{[A-Z_]+:\?put one into \.env.*\}", value), name


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_compose_and_nginx_agree_with_the_service(baked: Bake, answers: Answers) -> None:
    service = baked(**answers)
    app, proxy = (containers(service)[name] for name in ("app", "nginx"))
    conf = (service / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert f"server app:{app['environment']['PORT']} resolve" in conf
    assert "./deploy/nginx.conf:/etc/nginx/nginx.conf:ro" in proxy["volumes"]
    assert proxy["ports"][0].endswith(":8080")
    assert "listen 8080;" in conf
    settings = (service / ".env.example").read_text(encoding="utf-8")
    largest = re.search(r"MAX_MESSAGE_BYTES=([0-9]+)", settings)
    body = re.search(r"client_max_body_size ([0-9]+)m;", conf)
    assert largest
    assert body
    assert int(body[1]) * 2**20 > int(largest[1])
    assert app["environment"]["TRUSTED_PROXIES"] == "1"
    example = (service / ".env.example").read_text(encoding="utf-8")
    known = set(re.findall(r"(?m)^# ([A-Z_]+)=", example)) | {"HOST", "PORT", "PGPASSWORD"}
    assert set(app["environment"]) <= known
    drain = re.search(r"DRAIN_SECONDS=([0-9.]+)", example)
    assert drain
    assert float(app["stop_grace_period"].removesuffix("s")) > float(drain[1])


def test_the_broker_lets_nobody_in_without_the_password_that_the_service_has(bake: Bake) -> None:
    service = bake(starter="minimal")
    broker, app = (containers(service)[name] for name in ("redis", "app"))
    (variable,) = broker["environment"]
    shell, option, text = broker["command"]
    port, password = free_port(), "its-own_Password"
    here = f"port {port}\nbind 127.0.0.1\nEND"
    url = re.sub(r"\$\{REDIS_PASSWORD:.*?\}", password, app["environment"]["MESSAGE_QUEUE_URL"])
    url = url.replace("@redis:6379", f"@127.0.0.1:{port}")
    known = os.environ | {variable: password}
    client = [program("redis-cli"), "-p", str(port), *broker["healthcheck"]["test"][2:]]
    process = subprocess.Popen(
        [program(shell), option, text.replace("$$", "$").replace("\nEND", f"\n{here}")],
        env=known,
        stdout=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: listens(port))
        assert subprocess.run(client, env=known, capture_output=True, check=False).returncode == 0
        refused = subprocess.run(client, capture_output=True, check=False)
        assert refused.returncode == 1
        assert b"NOAUTH" in refused.stdout + refused.stderr
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert b"redis-server" in command
        assert password.encode() not in command
        with started(interpreter(service), service, MESSAGE_QUEUE_URL=url) as server:
            assert server.request("GET", "/health/ready").status == 200
            assert f"Broker redis://***@127.0.0.1:{port}: connected" in server.printed()
    finally:
        process.kill()
        process.wait(10)


def test_the_database_is_migrated_before_there_is_a_broker(bake: Bake) -> None:
    service = bake(starter="chat")
    name, *command = containers(service)["migrate"]["command"]
    assert name == service.name
    done = subprocess.run(
        [interpreter(service), "-m", package_of(service), *command],
        cwd=service,
        env=environ(
            service,
            ENVIRONMENT="production",
            MESSAGE_QUEUE_URL=f"redis://127.0.0.1:{free_port()}",
            SECRET_KEY="x" * 32,
        ),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
