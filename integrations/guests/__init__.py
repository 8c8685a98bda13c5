"""The page on which invited people answer: by the personal address in their mail, without an account."""
