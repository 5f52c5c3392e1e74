package sqlite

// ParseDSN is tested alone because it stands between users and the driver.
func ParseDSN(dsn string) (string, error) { return parseDSN(dsn) }

// Memory is what ParseDSN returns for a registry in memory.
const Memory = memory

// Connect opens the connections of a file.
var Connect = connect
