// Package code takes a copy's ID and its check to coded bits and back, and keys to everything keyed: secrets, sub-keys
// (HKDF), streams of signs (AES in counter mode), the payload with its 32-bit check, and its convolutional code.
package code
