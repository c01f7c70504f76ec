#include "udptl.h"

static struct past *slot(struct past *past, uint16_t seq)
{
	return &past[seq % UDPTL_PAST];
}

static const struct past *find(struct past *past, uint16_t seq)
{
	const struct past *p = slot(past, seq);
	return p->known && p->seq == seq ? p : NULL;
}

static void keep(struct past *past, uint16_t seq, const uint8_t *octets, int length)
{
	struct past *p = slot(past, seq);
	p->known = true;
	p->seq = seq;
	p->length = (uint16_t)length;
	memcpy(p->octets, octets, (size_t)length);
}

/* A PER length determinant (X.691 clause 11.9) of less than 16384. */
static int put_length(uint8_t *at, int n)
{
	if (n < 128) {
		at[0] = (uint8_t)n;
		return 1;
	}
	at[0] = (uint8_t)(0x80 | n >> 8);
	at[1] = (uint8_t)n;
	return 2;
}

static int put_octets(uint8_t *at, const uint8_t *octets, int n)
{
	int head = put_length(at, n);
	memcpy(at + head, octets, (size_t)n);
	return head + n;
}

static int put_secondaries(struct udptl_tx *t, uint8_t *at, uint16_t seq, int depth, int room)
{
	int n = 0, used = 2;
	while (n < depth) {
		const struct past *p = find(t->past, (uint16_t)(seq - n - 1));
		if (p == NULL || used + p->length + 2 > room)
			break;
		used += p->length + 2;
		n++;
	}
	at[0] = 0x00;
	int length = 1 + put_length(at + 1, n);
	for (int i = 1; i <= n; i++) {
		const struct past *p = find(t->past, (uint16_t)(seq - i));
		length += put_octets(at + length, p->octets, p->length);
	}
	return length;
}

/* The parity of every entries-th packet from first on, span of them; the
   shorter ones count as if zeros followed. */
static int parity(struct udptl_tx *t, uint16_t first, uint8_t sum[MAX_PACKET])
{
	int length = 0;
	memset(sum, 0, MAX_PACKET);
	for (int i = 0; i < t->span; i++) {
		const struct past *p = find(t->past, (uint16_t)(first + i * t->entries));
		if (p == NULL)
			continue;
		for (int k = 0; k < p->length; k++)
			sum[k] ^= p->octets[k];
		if (p->length > length)
			length = p->length;
	}
	return length;
}

/* Until there are packets for all of the parity, secondaries take its place. */
static int put_parity(struct udptl_tx *t, uint8_t *at, uint16_t seq, int depth, int room)
{
	uint8_t sum[MAX_PACKET];
	uint16_t oldest = (uint16_t)(seq - t->span * t->entries);
	if (find(t->past, oldest) == NULL)
		return put_secondaries(t, at, seq, depth, room);
	at[0] = 0x80;
	at[1] = 1;
	at[2] = (uint8_t)t->span;
	int length = 3 + put_length(at + 3, t->entries);
	for (int i = 0; i < t->entries; i++) {
		int n = parity(t, (uint16_t)(oldest + i), sum);
		length += put_octets(at + length, sum, n);
	}
	return length;
}

int udptl_encode(struct udptl_tx *t, uint8_t datagram[MAX_PACKET], uint16_t seq, int depth, const uint8_t *ifp, int length)
{
	datagram[0] = (uint8_t)(seq >> 8);
	datagram[1] = (uint8_t)seq;
	int n = 2 + put_octets(datagram + 2, ifp, length);
	if (t->span > 0)
		n += put_parity(t, datagram + n, seq, depth, MAX_PACKET - n);
	else
		n += put_secondaries(t, datagram + n, seq, depth, MAX_PACKET - n);
	keep(t->past, seq, ifp, length);
	return n;
}

/* What is left to read of a datagram; bad once it ran out. */
struct reader {
	const uint8_t *at;
	int left;
	bool bad;
};

static const uint8_t *take(struct reader *r, int n)
{
	if (r->bad || n > r->left) {
		r->bad = true;
		return NULL;
	}
	const uint8_t *at = r->at;
	r->at += n;
	r->left -= n;
	return at;
}

static int take_length(struct reader *r)
{
	const uint8_t *p = take(r, 1);
	if (p == NULL)
		return 0;
	if (p[0] < 0x80)
		return p[0];
	const uint8_t *q = take(r, 1);
	if (q == NULL || p[0] >= 0xC0) {
		r->bad = true;
		return 0;
	}
	return (p[0] & 0x3F) << 8 | q[0];
}

static const uint8_t *take_octets(struct reader *r, int *n)
{
	*n = take_length(r);
	if (*n > MAX_PACKET)
		r->bad = true;
	return take(r, *n);
}

static bool is_new(const struct udptl_rx *r, uint16_t seq)
{
	return !r->started || (int16_t)(seq - r->next) >= 0;
}

static void read_secondaries(struct udptl_rx *r, struct reader *d, uint16_t seq)
{
	int count = take_length(d);
	for (int i = 1; i <= count && !d->bad; i++) {
		int n;
		uint16_t older = (uint16_t)(seq - i);
		const uint8_t *octets = take_octets(d, &n);
		if (octets == NULL || n == 0 || i >= UDPTL_PAST)
			continue;
		if (r->started && is_new(r, older) && find(r->past, older) == NULL) {
			keep(r->past, older, octets, n);
			r->recovered++;
		}
	}
}

/* Fills the one packet of a parity group that is not known, if it is only one. */
static void repair(struct udptl_rx *r, uint16_t first, int span, int step, const uint8_t *sum, int n)
{
	uint8_t octets[MAX_PACKET];
	uint16_t lacking = 0;
	int lacks = 0;
	memcpy(octets, sum, (size_t)n);
	for (int i = 0; i < span; i++) {
		uint16_t seq = (uint16_t)(first + i * step);
		const struct past *p = find(r->past, seq);
		if (p == NULL) {
			lacking = seq;
			lacks++;
			continue;
		}
		for (int k = 0; k < p->length && k < n; k++)
			octets[k] ^= p->octets[k];
	}
	if (lacks == 1 && r->started && is_new(r, lacking)) {
		keep(r->past, lacking, octets, n);
		r->recovered++;
	}
}

static void read_parity(struct udptl_rx *r, struct reader *d, uint16_t seq)
{
	const uint8_t *size = take(d, 1), *span = take(d, 1);
	int entries = take_length(d);
	if (d->bad || *size != 1 || entries == 0 || *span * entries >= UDPTL_PAST) {
		d->bad = true;
		return;
	}
	for (int i = 0; i < entries; i++) {
		int n;
		const uint8_t *sum = take_octets(d, &n);
		if (sum != NULL && n > 0)
			repair(r, (uint16_t)(seq - *span * entries + i), *span, entries, sum, n);
	}
}

/* Gives what is known from next up to seq, which just came. */
static void deliver(struct udptl_rx *r, uint16_t seq, udptl_sink sink, void *user)
{
	if (!r->started || (uint16_t)(seq - r->next) >= UDPTL_PAST)
		r->next = seq;
	r->started = true;
	for (; (int16_t)(seq - r->next) >= 0; r->next++) {
		const struct past *p = find(r->past, r->next);
		if (p != NULL)
			sink(user, r->next, p->octets, p->length);
		else
			r->lost++;
	}
}

void udptl_decode(struct udptl_rx *r, const uint8_t *datagram, int length, udptl_sink sink, void *user)
{
	struct reader d = {datagram, length, false};
	int n;
	const uint8_t *head = take(&d, 2);
	const uint8_t *primary = take_octets(&d, &n);
	const uint8_t *choice = take(&d, 1);
	if (d.bad) {
		r->malformed++;
		return;
	}
	uint16_t seq = (uint16_t)(head[0] << 8 | head[1]);
	if (!is_new(r, seq))
		return;
	if (*choice & 0x80)
		read_parity(r, &d, seq);
	else
		read_secondaries(r, &d, seq);
	if (d.bad)
		r->malformed++;
	keep(r->past, seq, primary, n);
	deliver(r, seq, sink, user);
}
