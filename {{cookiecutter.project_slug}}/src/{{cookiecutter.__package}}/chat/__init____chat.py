"""What stands behind the views of the chat: who one is, who is here, and what was said."""
