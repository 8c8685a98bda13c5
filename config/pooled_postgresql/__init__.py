"""Django's PostgreSQL, whose pool looks at a connection before it hands it out instead of asking the server."""
