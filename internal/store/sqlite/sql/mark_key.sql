SELECT id, since, salt, seq FROM mark_key
