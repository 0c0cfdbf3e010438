# Owned by the template: an update may change this file.
"""What happens for each request and each event, in this order.

1. ``requests`` and ``events``: the two transports.
2. ``client``: what is known of the client that sends an event.
3. ``limiting``: how often a method may be called.
4. ``signature`` and ``binding``: the arguments of a method.
5. ``serialization``: the method's return value, as JSON.
6. ``errors``: the exception it raised, as a problem.
7. ``promises``: what a view sends by itself.
8. ``telemetry``: the log line and the metrics.
"""
