"""What is ill, and who is told of it: by the outbox, and by ways that need neither worker nor mail server."""
