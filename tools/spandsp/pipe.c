#include "pipe.h"

struct packet *packets_add(struct packets *p)
{
	if (p->n == p->room) {
		p->room = 2 * p->room + 8;
		p->list = realloc(p->list, (size_t)p->room * sizeof p->list[0]);
		if (p->list == NULL)
			fail("out of memory");
	}
	struct packet *added = &p->list[p->n++];
	memset(added, 0, offsetof(struct packet, octets));
	added->copies = 1;
	return added;
}

static bool put(const void *octets, size_t n)
{
	return fwrite(octets, 1, n, stdout) == n;
}

static bool get(void *octets, size_t n)
{
	return fread(octets, 1, n, stdin) == n;
}

static bool put16(unsigned v)
{
	uint8_t octets[2] = {(uint8_t)(v >> 8), (uint8_t)v};
	return put(octets, 2);
}

static bool get16(uint16_t *v)
{
	uint8_t octets[2];
	if (!get(octets, 2))
		return false;
	*v = (uint16_t)(octets[0] << 8 | octets[1]);
	return true;
}

bool pcm_write(const int16_t samples[TICK])
{
	uint8_t octets[2 * TICK];
	for (int i = 0; i < TICK; i++) {
		octets[2 * i] = (uint8_t)samples[i];
		octets[2 * i + 1] = (uint8_t)((uint16_t)samples[i] >> 8);
	}
	return put(octets, sizeof octets);
}

bool pcm_read(int16_t samples[TICK])
{
	uint8_t octets[2 * TICK];
	if (!get(octets, sizeof octets))
		return false;
	for (int i = 0; i < TICK; i++)
		samples[i] = (int16_t)(octets[2 * i] | octets[2 * i + 1] << 8);
	return true;
}

bool packets_write(const struct packets *p)
{
	bool ok = put16((unsigned)p->n);
	for (int i = 0; i < p->n; i++) {
		const struct packet *k = &p->list[i];
		uint8_t how[2] = {k->copies, k->depth};
		ok = ok && put16(k->seq) && put(how, 2) && put16(k->length) && put(k->octets, k->length);
	}
	return ok;
}

bool packets_read(struct packets *p)
{
	uint16_t n;
	p->n = 0;
	if (!get16(&n))
		return false;
	for (int i = 0; i < n; i++) {
		struct packet *k = packets_add(p);
		uint8_t how[2];
		if (!get16(&k->seq) || !get(how, 2) || !get16(&k->length))
			return false;
		if (k->length > MAX_PACKET)
			fail("a packet of %u octets", k->length);
		if (!get(k->octets, k->length))
			return false;
		k->copies = how[0];
		k->depth = how[1];
	}
	return true;
}

bool pipe_flush(void)
{
	return fflush(stdout) == 0;
}
