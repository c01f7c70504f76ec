/* UDPTL (ITU-T T.38 clause 9), own code: the library leaves it to its users.
   Redundancy and parity FEC are written, and read in any mix. */
#ifndef SP_UDPTL_H
#define SP_UDPTL_H

#include "pipe.h"

enum { UDPTL_PAST = 64 }; /* packets remembered; a power of two */

struct past {
	bool known;
	uint16_t seq, length;
	uint8_t octets[MAX_PACKET];
};

struct udptl_tx {
	int span, entries; /* parity FEC; span 0: redundancy */
	struct past past[UDPTL_PAST];
};

/* Writes the datagram of the IFP packet with this number, and depth packets
   before it as secondaries or the parity of the last span * entries. */
int udptl_encode(struct udptl_tx *t, uint8_t datagram[MAX_PACKET], uint16_t seq, int depth, const uint8_t *ifp, int length);

struct udptl_rx {
	bool started;
	uint16_t next; /* the number that comes next in order */
	int lost, recovered, malformed;
	struct past past[UDPTL_PAST];
};

typedef void (*udptl_sink)(void *user, uint16_t seq, const uint8_t *ifp, int length);

/* Reads a datagram and gives sink, in order, each packet that is new; gaps that
   could not be filled are skipped and counted. */
void udptl_decode(struct udptl_rx *r, const uint8_t *datagram, int length, udptl_sink sink, void *user);

#endif
