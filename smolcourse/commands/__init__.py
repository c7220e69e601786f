"""The `smolcourse` command: words for the terminal, a file a group; the work is done elsewhere."""
