# Owned by the template: an update may change this file.
"""What happens for each request and each event, in this order.

1. ``requests`` and ``events``: the two transports.
2. ``client``: what is known of whoever sends an event.
3. ``signature`` and ``binding``: from what a client sent to the arguments of a method.
4. ``serialization``: from what a method returned to JSON.
5. ``errors``: from what it raised to a problem.
6. ``telemetry``: the line in the log, and the numbers.
"""
