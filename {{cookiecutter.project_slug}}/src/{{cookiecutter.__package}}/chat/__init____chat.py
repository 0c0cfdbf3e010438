"""What stands behind the views of the chat: who one is, who is connected, and what was said."""
