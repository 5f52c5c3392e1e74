//go:build !linux

package verify

func clock() string { return "clock of the machine" }
