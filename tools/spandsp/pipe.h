/* Lock step on a pair of pipes. In every tick of 20 ms a program first writes
   what it sends and then reads what it hears; there is no clock. Samples are
   320 octets, little endian. Packets are a list, big endian:

     count(2)  { seq(2) copies(1) depth(1) length(2) octets }*

   seq is the UDPTL sequence number that an IFP packet is to have, copies how
   often the datagram is to be sent, depth how many earlier packets are to go
   with it. For packets that are UDPTL datagrams already only the octets count. */
#ifndef SP_PIPE_H
#define SP_PIPE_H

#include "common.h"

enum { MAX_PACKET = 2048 };

struct packet {
	uint16_t seq;
	uint8_t copies, depth;
	uint16_t length;
	uint8_t octets[MAX_PACKET];
};

struct packets {
	struct packet *list;
	int n, room;
};

struct packet *packets_add(struct packets *p);

/* Each is false once the other side of the pipe is gone. */
bool pcm_write(const int16_t samples[TICK]);
bool pcm_read(int16_t samples[TICK]);
bool packets_write(const struct packets *p);
bool packets_read(struct packets *p);
bool pipe_flush(void);

#endif
