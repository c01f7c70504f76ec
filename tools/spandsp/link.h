/* The packet side of a T.38 terminal or gateway: options, what is to be sent,
   and what came, as IFP packets with numbers or as UDPTL datagrams. */
#ifndef SP_LINK_H
#define SP_LINK_H

#include "udptl.h"

struct link {
	bool datagrams;                /* --wire udptl; else IFP packets with numbers */
	int depth_control, depth_image; /* secondaries */
	int version, max_datagram;     /* -1, 0: the library's own */
	uint16_t seq;
	struct udptl_tx tx;
	struct udptl_rx rx;
	t38_core_state_t *core;
	struct packets out; /* since it was last emptied */
};

void link_init(struct link *l);

/* Takes --wire, --redundancy-control, --redundancy-image, --fec, --version,
   --seq0, --max-datagram; false when the option is not of these. */
bool link_option(struct link *l, const char *key, const char *value);

/* Sets the library's core up by the options. */
void link_start(struct link *l, t38_core_state_t *core);

/* The library's transmit handler; user is the link. */
int link_send(t38_core_state_t *core, void *user, const uint8_t *octets, int length, int count);

/* Hands a packet that came to the library. */
void link_receive(struct link *l, const struct packet *p);

#endif
