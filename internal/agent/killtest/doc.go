// Package killtest holds a test alone: it kills the built agent at random
// moments, and between a chat request and its answer, while monitors fail and
// recover, and holds every channel to what really happened. No Down and no Up
// may be lost, and a message may come twice only where the agent could not know
// that it had arrived.
package killtest
