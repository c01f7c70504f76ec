//go:build race

package fxs

// lifeEvents are fewer where each sample costs twenty times as much.
const lifeEvents = 10_000
