"""What Prometheus gets."""

from flask.testing import FlaskClient

from .support.live import Connect


def test_requests_are_counted(client: FlaskClient) -> None:
    client.get("/health/live")

    response = client.get("/metrics")

    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    labels = 'method="GET",status="200",view="HealthView.live"'
    assert "http_request_duration_seconds_count{" + labels + "}" in response.text


def test_connections_and_events_are_counted(client: FlaskClient, connect: Connect) -> None:
    connect("/")

    numbers = client.get("/metrics").text

    assert "\nsocketio_connections 1.0\n" in numbers
    labels = 'event="connect",outcome="ok",view="no view"'
    assert "socketio_event_duration_seconds_count{" + labels + "}" in numbers
