"""Who people are: users who sign in, and the institutions and contacts outside who do not."""
