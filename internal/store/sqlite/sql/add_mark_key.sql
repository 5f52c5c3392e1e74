INSERT INTO mark_key (id, since, salt, seq) VALUES (?, ?, ?, ?)
