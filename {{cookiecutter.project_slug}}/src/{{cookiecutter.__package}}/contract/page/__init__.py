# Owned by the template: an update may change this file.
"""The page ``/docs``: what the service promises, to read and to try.

1. ``view``: its addresses, and who may see them.
2. ``static``: the page itself, which runs in the browser and knows nothing but the contract.
"""
