"""The conference server: personal join addresses, and the tokens that it lets people in with."""
