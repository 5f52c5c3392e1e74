SELECT id, created, salt, seq FROM registry
