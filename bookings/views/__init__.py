"""Pages about sessions: the day board, my sessions, one session, booking."""
