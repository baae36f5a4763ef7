"""What each action does to the catalog."""
