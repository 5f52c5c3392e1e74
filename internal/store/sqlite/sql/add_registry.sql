INSERT INTO registry (one, id, created, salt, seq) VALUES (1, ?, ?, ?, ?)
