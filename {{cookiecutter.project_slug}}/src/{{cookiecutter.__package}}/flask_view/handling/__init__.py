# Owned by the template: an update may change this file.
"""What happens for each request and each event, in this order.

1. ``requests`` and ``events``: the two transports.
2. ``client``: what is known of the client that sends an event.
3. ``signature`` and ``binding``: the arguments of a method.
4. ``serialization``: the method's return value, as JSON.
5. ``errors``: the exception it raised, as a problem.
6. ``promises``: what a view sends by itself.
7. ``telemetry``: the log line and the metrics.
"""
