"""Sets Narada up on a machine that has only Python, and runs its database, web server, worker and beat together."""
