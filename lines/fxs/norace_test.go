//go:build !race

package fxs

const lifeEvents = 100_000
