"""Who holds what, when."""
