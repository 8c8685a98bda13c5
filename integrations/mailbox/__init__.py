"""Mail that comes in: fetched or handed over, kept first, read within limits, answered by one call of a service."""
