// Package packaging holds tests alone: of what is handed out. The image is
// built from the Dockerfile and entered as its user, the unit is judged by
// systemd's own tools, and the archives are built twice and have to be the same.
//
// No container engine is needed, and nothing is pulled. A program that is
// missing fails the tests; scripts/need installs all of them.
package packaging
