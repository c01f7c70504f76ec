/* The card's side of the agent's line-card socket: HELLO, then 20 ms of sound each
   way at a time, with what the agent does to the line in between. */
#ifndef SP_CARD_H
#define SP_CARD_H

#include "common.h"

struct card {
	int fd;
	bool fast;      /* as fast as the agent answers; else at the pace of a real line */
	int64_t now;    /* samples exchanged */
	int64_t due_ns; /* when the next frame is due, CLOCK_MONOTONIC */
	bool ringing, powered, reversed;
	int rings;      /* RING 0 to 1 */
	int64_t ring_at, power_off_at; /* samples; -1: never */
};

/* Connects to unix:/PATH or tcp:HOST:PORT, again and again for 10 s, and says HELLO. */
void card_connect(struct card *c, const char *address, const char *token);

/* HOOK: 0 on-hook, 1 off-hook, 2 a flash. */
void card_hook(struct card *c, int value);

/* Says and hears 20 ms. */
void card_exchange(struct card *c, const int16_t says[TICK], int16_t hears[TICK]);

#endif
