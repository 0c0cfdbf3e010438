# Owned by the template: an update may change this file.
"""What the views promise, as data.

1. ``catalog``: every route and every event, and where its method is written; ``project``: what the
   service is called.
2. ``structure``: the contract, which ``reading`` makes of what is registered, with the help of
   ``docstrings``, ``results`` and ``schemas``.
3. ``openapi``, ``asyncapi`` and ``typescript``: what is made of the contract for others.
4. ``page``: the page ``/docs``, to read it and to try it.
"""
