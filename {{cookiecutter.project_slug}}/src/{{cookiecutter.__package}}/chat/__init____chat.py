"""What stands behind the views of the chat: who one is, which clients are connected, and what was said."""
