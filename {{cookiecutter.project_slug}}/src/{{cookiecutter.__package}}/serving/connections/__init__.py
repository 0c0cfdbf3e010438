# Owned by the template: an update may change this file.
"""What a Socket.IO connection, and each of its packets, passes on its way to a view.

1. ``engine``: Engine.IO, by polling or by websocket.
2. ``upgrade``: how a request becomes a websocket, ``websocket``: how one begins and ends, and
   ``frames``: what comes and goes in between.
3. ``connection``: the one object for each client, which counts, checks and holds back its packets.
4. ``budget``: what a client may spend, and ``limits``: what all clients have taken.
5. ``protocol``: Socket.IO, the packets of a namespace.
"""
