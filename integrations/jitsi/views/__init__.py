"""Pages and answers about conferences."""
