/* spandsp's fax modems behind one face: a kind by the name that the fixed
   command lines use, a sender that takes bits, a receiver that gives them. */
#ifndef SP_MODEM_H
#define SP_MODEM_H

#include "common.h"

enum family { V21, V27TER, V29, V17 };

struct kind {
	const char *name;
	enum family family;
	int rate; /* bit/s */
};

extern const struct kind kinds[];
extern const int kind_count;

/* The kind called name ("v27-2400" is "v27ter-2400" too), or exits with status 2. */
const struct kind *kind_named(const char *name);

struct sender;

/* Makes a sender; get gives 0, 1 or SIG_STATUS_END_OF_DATA. dbm0 is its level. */
struct sender *sender_new(const struct kind *kind, bool short_train, double dbm0, get_bit_func_t get, void *user);

/* Makes up to n samples; fewer once the burst, with its turn-off sequence, is over. */
int sender_make(struct sender *s, int16_t *samples, int n);
void sender_free(struct sender *s);

struct receiver;

/* Makes a receiver; put gets bits, and what is below 0 is a SIG_STATUS. */
struct receiver *receiver_new(const struct kind *kind, put_bit_func_t put, void *user);

/* Listens for a new burst, keeping what an earlier long training found. */
void receiver_restart(struct receiver *r, bool short_train);
void receiver_feed(struct receiver *r, const int16_t *samples, int n);
void receiver_free(struct receiver *r);

#endif
