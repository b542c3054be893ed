"""What members do with links: make, change and list them, and say what the workspace demands of them."""
