INSERT INTO sealed (submission, key_id, wrapped, body) VALUES (?, ?, ?, ?)
