"""Calendar mails as RFC 5545 and 5546 spell them."""
