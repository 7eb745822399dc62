// Package kuma brings configurations of other programs into ours: it reads an
// Uptime Kuma's database or backup and writes YAML that a person would have
// written, with the secrets apart in an env file.
//
// Document is what every reader fills; Place writes it, after it was loaded and
// built once in a folder of its own.
package kuma
