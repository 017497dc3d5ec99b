"""The Chalice application: what is registered here is what Lambda runs."""

from __future__ import annotations

from chalice.app import Chalice

from chalicelib.api import (
    about,
    calls,
    commands,
    profiles,
    recordings,
    rtp,
    swml,
    taps,
    tasks,
    webhooks,
)
from chalicelib.api.http import correlate, shape_errors

app = Chalice(app_name="tapedeck", configure_logs=False)
# JSON both ways, no matter what a client says it accepts: bodies arrive as they were sent.
app.api.binary_types = []

app.register_middleware(correlate, "http")
app.register_middleware(shape_errors, "http")

app.register_blueprint(webhooks.routes)
app.register_blueprint(profiles.routes)
app.register_blueprint(recordings.routes)
app.register_blueprint(calls.routes)
app.register_blueprint(commands.routes)
app.register_blueprint(rtp.routes)
app.register_blueprint(swml.routes)
app.register_blueprint(taps.routes)
app.register_blueprint(about.routes)
app.register_blueprint(tasks.functions)
