package sqlite

// CleanPath is tested alone because it stands between users and the driver.
func CleanPath(name string) (string, error) { return cleanPath(name) }

// Memory is what CleanPath returns for a registry in memory.
const Memory = memory

// Connect opens the connections of a file.
var Connect = connect
